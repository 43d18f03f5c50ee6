"""The networks of a run made ready to answer: loaded once, each on an engine, safe to ask from several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np

from cxrkd.answers.answer import Answer, answer_of, classify
from cxrkd.answers.engines import QUICK, load_engines, probe
from cxrkd.config import Member
from cxrkd.images.film import Film
from cxrkd.images.radiograph import digest_of_tones
from cxrkd.runs.choosing import warning_for
from cxrkd.runs.run import Run
from cxrkd.runs.standing import thresholds_of
from cxrkd.runtime.cores import cores
from cxrkd.runtime.in_order import in_order
from cxrkd.runtime.protocol import CHUNK

if TYPE_CHECKING:
    from cxrkd.runtime.protocol import Engine

S = TypeVar("S")
F = TypeVar("F")
A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


@dataclass(frozen=True)
class Panel:
    """Networks that are ready.

    Attributes:
        run: whose they are.
        engines: by member.
        thresholds: by member, float64 (K,); NaN where it does not judge.
        latencies: by member, milliseconds of one film when it was made ready.
    """

    run: Run
    engines: Mapping[Member, Engine] = field(repr=False)
    thresholds: Mapping[Member, np.ndarray] = field(repr=False)
    latencies: Mapping[Member, float]

    def answers(self, films: Sequence[Film]) -> list[Answer]:
        """What every network says about films, which go through each together.

        Raises:
            AnswerError: a network gives what is no number for a label that it was taught.
        """
        if not films:
            return []
        x = np.stack([film.pixels for film in films])[:, None]
        logits = {member: engine.predict(x) for member, engine in self.engines.items()}
        return [self._answer(film, {member: own[n] for member, own in logits.items()}) for n, film in enumerate(films)]

    def _answer(self, film: Film, logits: Mapping[Member, np.ndarray]) -> Answer:
        return answer_of(
            film,
            logits,
            {member: engine.name for member, engine in self.engines.items()},
            labels=self.run.labels,
            thresholds=self.thresholds,
            latencies=self.latencies,
            warning=warning_for(self.run, real=True),
            whose=self.run.id,
        )


def panel_of(run: Run, members: Sequence[Member], engine: str = QUICK, threads: int | None = None) -> Panel:
    """Load networks and make them ready.

    Args:
        run: whose.
        members: which, in the order of the answers.
        engine: as for `load_engines`.
        threads: of one call; PyTorch's number unless given.

    Raises:
        RunError: a network is not there or damaged.
        EngineError: the engine is unknown, not installed, or fails on a network.
    """
    models = {member: run.load_model(member) for member in members}
    engines = load_engines(models, engine, threads)
    thresholds = thresholds_of(run, members)
    size = next(iter(models.values())).input_size
    tones = (probe(size)[0, 0] * 255).astype(np.uint8)
    drawn = Film("a phantom", tones, lambda: tones.astype(np.float32) / 255, digest_of_tones(tones), real=False)
    (timed,) = classify([drawn], engines, labels=run.labels, thresholds=thresholds, whose=run.id)
    return Panel(run, engines, thresholds, {member: one.latency_ms for member, one in timed.members.items()})


@dataclass(frozen=True)
class Work:
    """How many films are answered at once.

    Attributes:
        workers: threads, each of which reads films and asks about them.
        threads: of one call of an engine; None for PyTorch's number.
        at_once: films that a worker reads, then asks about together.
    """

    workers: int
    threads: int | None
    at_once: int

    @classmethod
    def of(cls, n_films: int) -> Work:
        """A worker a core where there are films for all of them; a few are asked about one by one, as a page does.

        Threads that wait for each other within a call waste what another film could use, so that each call gets one.
        """
        workers = min(cores(), n_films // CHUNK)
        return cls(workers, 1, CHUNK) if workers > 1 or n_films >= 4 * CHUNK else cls(1, None, 1)


class Answers(Protocol[A_co]):
    """Who answers films, as a `Panel` does."""

    def answers(self, films: Sequence[Film]) -> Sequence[A_co]:
        """One for each film; safe to call from several threads."""


def answers_in_order(
    things: Iterable[S], read: Callable[[S], Film | F], panel: Callable[[], Answers[A]], work: Work
) -> Iterator[A | F]:
    """An answer for each thing that can be read, in their order, and for the others what `read` said instead.

    Decoding one film goes on beside answering another; what waits is bounded.

    Args:
        things: such as paths.
        read: makes a film of one, or says why not; called from several threads.
        panel: makes the networks ready; called once, when the first film was read.
        work: how many at once.

    Raises:
        AnswerError: a network gives what is no number for a label that it was taught.
    """
    ready = _Once(panel)

    def answered(group: Sequence[S]) -> list[A | F]:
        seen = [read(thing) for thing in group]
        films = [one for one in seen if isinstance(one, Film)]
        answers = iter(ready().answers(films) if films else [])
        return [next(answers) if isinstance(one, Film) else one for one in seen]

    with _single_threaded(work):
        for group in in_order(answered, _groups(things, work.at_once), work.workers):
            yield from group


class _Once(Generic[A]):
    """Calls once, whichever thread comes first; the others wait for it."""

    def __init__(self, make: Callable[[], A]) -> None:
        self._make, self._lock = make, Lock()
        self._made: A | None = None

    def __call__(self) -> A:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


def _groups(things: Iterable[S], size: int) -> Iterator[list[S]]:
    rest = iter(things)
    while group := list(islice(rest, size)):
        yield group


@contextmanager
def _single_threaded(work: Work) -> Iterator[None]:
    """PyTorch and OpenCV on one thread inside the block, where each worker has one: they keep a number for all."""
    if work.threads != 1:
        yield
        return
    import cv2
    import torch

    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
