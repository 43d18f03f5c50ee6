"""One queue for everything that a server computes for its visitors, on a fixed number of threads.

Threads that compute side by side without it take each other's processors, so that all of them end late. Here answers
go before explanations, and films of several visitors for one network go through it together. An explanation comes as
many small pieces, so that an answer waits for one piece of it at most; and after a few batches of answers one piece of
an explanation is taken even though more answers wait, so that it ends too. What an explanation is held against comes
after the explanations of all.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from enum import IntEnum
from functools import cache
from typing import Any, Generic, TypeVar

from cxrkd.errors import BusyError
from cxrkd.runtime.cores import cores
from cxrkd.runtime.line import Line, Piece
from cxrkd.runtime.protocol import CHUNK

T = TypeVar("T")
LIMIT = 64
"""Visitors that may wait. At a few answers a second the last of them waits for about twenty seconds."""
ANSWERS_A_PIECE = 4
"""Batches of answers after which a waiting piece of an explanation has its turn."""


class Rank(IntEnum):
    """What goes first."""

    ANSWER = 0
    EXPLANATION = 1
    AFTERWARDS = 2  # what an explanation that can be looked at already is held against


class Ticket(Generic[T]):
    """A place in the queue, and what comes out of it."""

    def __init__(self, queue: ComputeQueue, rank: Rank, piece: Piece) -> None:
        self._queue, self._rank, self._piece = queue, rank, piece
        self._future: Future[T] = piece.work.future

    def done(self) -> bool:
        """There is a result, an error, or it was cancelled."""
        return self._future.done()

    def wait(self, timeout_s: float) -> bool:
        """Wait for at most so many seconds; whether it is done."""
        try:
            self._future.exception(timeout_s)
        except TimeoutError:
            return False
        return True

    def result(self) -> T:
        """What was computed; waits for it.

        Raises:
            Exception: whatever the work raised.
            concurrent.futures.CancelledError: it was cancelled, or the queue was closed.
        """
        return self._future.result()

    def before(self) -> int | None:
        """How many other visitors come first; None once it is computed or done."""
        return self._queue.before(self._rank, self._piece.visitor)

    def cancel(self) -> None:
        """Nobody waits for it any more: it is not computed where that has not begun."""
        self._queue.cancel(self._rank, self._piece)


class _Work:
    """What a piece computes, and where its result goes."""

    def __init__(self, call: Callable[[list[Any]], Sequence[Any]], item: object) -> None:
        self.call, self.item = call, item
        self.future: Future[Any] = Future()


class ComputeQueue:
    """Workers that take pieces of work in a fair order; safe to use from any thread.

    Args:
        workers: threads that compute.
        limit: visitors that may wait.
        batch: items of one key that are computed together at most.
        answers_a_piece: batches of answers between two pieces of explanations while both wait.
    """

    def __init__(
        self, workers: int, *, limit: int = LIMIT, batch: int = CHUNK, answers_a_piece: int = ANSWERS_A_PIECE
    ) -> None:
        self._limit, self._batch, self._answers_a_piece = limit, batch, answers_a_piece
        self._lines = {rank: Line(in_turns=rank is Rank.ANSWER) for rank in Rank}
        self._changed = threading.Condition()
        self._answers_since = 0
        self._closed = False
        self._threads = [threading.Thread(target=self._work, name=f"compute-{i}", daemon=True) for i in range(workers)]
        for thread in self._threads:
            thread.start()

    def ask(self, visitor: str, key: Hashable, call: Callable[[list[Any]], Sequence[T]], item: object) -> Ticket[T]:
        """An answer about one item; `call` gets a list of items that were asked with the same key.

        Args:
            visitor: who takes turns.
            key: of items that `call` can take together, such as the engine.
            call: items -> as many results in their order.
            item: such as a film.

        Raises:
            BusyError: too many visitors wait.
        """
        return self._add(Rank.ANSWER, Piece(visitor, key, _Work(call, item)))

    def explain(self, visitor: str, step: Callable[[], T], rank: Rank = Rank.EXPLANATION) -> Ticket[T]:
        """One piece of an explanation, or of what follows one; the smaller, the shorter an answer waits for it.

        Raises:
            BusyError: too many visitors wait.
        """
        return self._add(rank, Piece(visitor, None, _Work(lambda _: [step()], None)))

    def before(self, rank: Rank, visitor: str) -> int | None:
        """How many other visitors come before one who waits with work of a rank; None where nothing of theirs does."""
        with self._changed:
            place = self._lines[rank].before(visitor)
            if place is None or rank is not Rank.AFTERWARDS:
                return place
            first = {*self._lines[Rank.EXPLANATION].visitors, *self._lines[rank].visitors[:place]}
            return len(first - {visitor})

    def cancel(self, rank: Rank, piece: Piece) -> None:
        """Drop a piece that waits; one that is being computed goes on, for nobody."""
        with self._changed:
            waited = self._lines[rank].remove(piece)
        if waited:
            piece.work.future.cancel()

    def close(self) -> None:
        """Cancel what waits, and end the workers after what they are at."""
        with self._changed:
            self._closed = True
            waiting = [piece for line in self._lines.values() for piece in line.clear()]
            self._changed.notify_all()
        for piece in waiting:
            piece.work.future.cancel()
        for thread in self._threads:
            thread.join()

    def _add(self, rank: Rank, piece: Piece) -> Ticket[Any]:
        with self._changed:
            waiting = {visitor for line in self._lines.values() for visitor in line.visitors}
            if self._closed or (piece.visitor not in waiting and len(waiting) >= self._limit):
                raise BusyError(
                    f"The server is busy: {len(waiting)} visitors wait for the models, and it takes {self._limit} at "
                    "most. Your film is kept; try again in half a minute."
                )
            self._lines[rank].add(piece)
            self._changed.notify()
        return Ticket(self, rank, piece)

    def _work(self) -> None:
        while pieces := self._next():
            _compute(pieces)

    def _next(self) -> list[Piece]:
        """What to compute now; waits for it. Nothing once the queue is closed."""
        with self._changed:
            while not (pieces := self._choose()) and not self._closed:
                self._changed.wait()
            return pieces

    def _choose(self) -> list[Piece]:
        answers, explanations = self._lines[Rank.ANSWER], self._lines[Rank.EXPLANATION] or self._lines[Rank.AFTERWARDS]
        owed = not answers or self._answers_since >= self._answers_a_piece
        if explanations and owed:
            self._answers_since = 0
            return explanations.take(1)
        self._answers_since = self._answers_since + 1 if explanations else 0
        return answers.take(self._batch)


def _compute(pieces: list[Piece]) -> None:
    """Compute pieces together; where that fails, each alone, so that nobody gets the error of another's film."""
    works = [piece.work for piece in pieces if piece.work.future.set_running_or_notify_cancel()]
    if len(works) > 1 and _together(works):
        return
    for work in works:
        _alone(work)


def _together(works: list[_Work]) -> bool:
    try:
        results = works[0].call([work.item for work in works])
        if len(results) != len(works):
            return False
    except Exception:  # whose film it is shows when each is computed alone
        return False
    for work, result in zip(works, results, strict=True):
        work.future.set_result(result)
    return True


def _alone(work: _Work) -> None:
    try:
        (result,) = work.call([work.item])
    except BaseException as error:  # whoever asked gets it
        work.future.set_exception(error)
    else:
        work.future.set_result(result)


THREADS = 1
"""Threads of one call. Many callers want one: threads that wait for each other within a call waste the time of the
processors that another call could use."""


SWITCH_S = 5e-4
"""How long a Python thread may keep the interpreter's lock from others. An eager network asks for it at each of its
many hundred operators; at Python's own 5 ms a film would wait for seconds while pages are drawn."""


@cache
def shared() -> ComputeQueue:
    """The queue of this process: a worker a core, each computing on `THREADS` of its own."""
    sys.setswitchinterval(SWITCH_S)
    import torch  # takes seconds; names and numbers of this file must not wait for it

    torch.set_num_threads(THREADS)
    return ComputeQueue(cores())
