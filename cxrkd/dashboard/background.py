"""Work that a page need not wait for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)

BACKGROUND = "background"
"""Name of its threads."""
_ONE_AT_A_TIME = threading.Lock()  # two at once would take each other's cores, and spoil what they time


def in_background(work: Callable[[], T], *, alone: bool = True) -> Future[T]:
    """Start `work` on a thread that does not keep the server from stopping.

    Args:
        work: what to do.
        alone: pieces of work run one at a time; what is short and looked at by somebody need not wait for its turn.
    """
    future: Future[T] = Future()
    # In the context of whoever asks: what is loaded within a cached call tells no page that it is being loaded.
    turn = _ONE_AT_A_TIME if alone else nullcontext()
    run = copy_context().run
    threading.Thread(target=run, args=(_run, work, future, turn), name=BACKGROUND, daemon=True).start()
    return future


def _run(work: Callable[[], T], future: Future[T], turn: AbstractContextManager[object]) -> None:
    with turn:
        try:
            future.set_result(work())
        except BaseException as error:  # whoever asks for the result gets it; of some work nobody does
            log.warning("work in the background failed", exc_info=error)
            future.set_exception(error)
