"""Reading for a visitor of a page: nothing outside the allowed folders, and nothing of what was read in a sentence.

The command line reads unconfined and says everything. Confined are a page's own reading and the runs that a page asked
for, also when the worker executes them later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from cxrkd.access.folders import UNREADABLE, allowed_roots, reachable
from cxrkd.errors import DataError

T = TypeVar("T")
_roots: ContextVar[tuple[Path, ...] | None] = ContextVar("roots", default=None)


@contextmanager
def confined(roots: Sequence[Path] | None = None) -> Iterator[None]:
    """Inside the block data is read below `roots` only; None takes those that pages may read now."""
    before = _roots.set(allowed_roots() if roots is None else tuple(roots))
    try:
        yield
    finally:
        _roots.reset(before)


def roots_now() -> tuple[Path, ...] | None:
    """The folders that may be read here, for a process that goes on with this work; None reads everywhere."""
    return _roots.get()


def confined_as_now(work: Callable[[], T]) -> Callable[[], T]:
    """`work`, which is confined as this block is, whenever it is called."""
    roots = _roots.get()

    def confined_as_then() -> T:
        before = _roots.set(roots)
        try:
            return work()
        finally:
            _roots.reset(before)

    return confined_as_then


def refuse_outside(path: Path) -> None:
    """Refuse a file that lies, links resolved, outside what may be read; of no effect on the command line.

    Raises:
        DataError: says nothing about the file.
    """
    roots = _roots.get()
    if roots is not None and not reachable(path, roots):
        raise DataError(UNREADABLE)


@contextmanager
def unsaid() -> Iterator[None]:
    """Inside a confined block whatever goes wrong is one sentence: others would quote names and cells.

    Raises:
        DataError: UNREADABLE in place of any other error.
    """
    try:
        yield
    except Exception:
        if _roots.get() is None:
            raise
        raise DataError(UNREADABLE) from None
