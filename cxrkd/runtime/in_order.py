"""Work on many things by several threads, whose results come in the order of the things, a few ahead at most."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")
AHEAD = 2
"""Things a thread that are begun before their turn: enough that no thread waits for a slow one, few enough to hold."""


def in_order(work: Callable[[S], T], things: Iterable[S], threads: int) -> Iterator[T]:
    """`work(thing)` of every thing, in their order.

    What is done and not yet taken is bounded, so that ten thousand films need as much memory as ten. What `work` raises
    is raised when its turn comes; whoever stops taking lets nothing more be begun.

    Args:
        work: safe to call from several threads.
        things: taken one by one, as threads become free.
        threads: that work at once; one works here, without a thread.
    """
    if threads == 1:
        yield from map(work, things)
        return
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="in-order")
    try:
        for thing in things:
            waiting.append(pool.submit(work, thing))
            if len(waiting) >= AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
