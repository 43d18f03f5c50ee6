"""Films of one visitor -> answers, through the one queue of this server.

What was computed is kept for the session: drawing a page again asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cxrkd.answers.answer import Answer, classify
from cxrkd.config import Member
from cxrkd.dashboard import engines, waiting
from cxrkd.dashboard.caching import run_figures, visitors
from cxrkd.dashboard.caching.rules import stamp
from cxrkd.errors import BusyError
from cxrkd.images.film import Film
from cxrkd.runs import Run
from cxrkd.runs.choosing import warning_for
from cxrkd.runtime.compute import Ticket, shared

if TYPE_CHECKING:
    from cxrkd.runtime.protocol import Engine

T = TypeVar("T")
ANSWERING = "the models look at your film"
ANSWERING_MANY = "the models look at your films"


@dataclass(eq=False)
class Known:
    """An engine whose answer about one film is known: logits (K,)."""

    name: str
    threads: int
    logits: np.ndarray = field(repr=False)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The logits (1, K), whatever x."""
        return self.logits[None]


def answers(run: Run, members: Sequence[Member], films: Sequence[Film]) -> list[Answer]:
    """What the members say about films, each on its fastest engine, or on PyTorch until that is known.

    Films of several visitors go through a network together. The latency is the one that was found when the engines
    were compared: NaN before.
    """
    ready = {member: engines.now(run, member) for member in reversed(members)}
    by_film = _logits(run, {member: ready[member] for member in members}, films)
    thresholds = {member: run_figures.metrics(run).of(member).thresholds_array() for member in members}
    return [_answer(run, film, known, thresholds) for film, known in zip(films, by_film, strict=True)]


def _answer(run: Run, film: Film, known: Mapping[Member, Engine], thresholds: Mapping[Member, np.ndarray]) -> Answer:
    """What is made of known logits. The same pixels may come in two files: names and notes are each file's own."""
    warning = warning_for(run, film.real)
    (answer,) = classify(
        [film], known, labels=run.labels, thresholds=thresholds, warning=warning, whose=run.id, timed=False
    )
    timed = {m: replace(one, latency_ms=engines.latency(run, m, one.engine)) for m, one in answer.members.items()}
    return replace(answer, members=timed)


def _logits(run: Run, ready: Mapping[Member, Engine], films: Sequence[Film]) -> list[dict[Member, Engine]]:
    """By film, what each member said; what is not kept is asked now."""
    weights = {member: stamp(run.weights_path(member)) for member in ready}
    keys = {(film.key, m): (film.key, weights[m], engine.name) for film in films for m, engine in ready.items()}
    kept = visitors.kept("answers")
    logits_of = {key: kept.get(key) for key in keys.values()}
    asked = {
        keys[film.key, m]: _asking((weights[m], engine.name), engine, film)
        for film in films
        for m, engine in ready.items()
        if logits_of[keys[film.key, m]] is None
    }
    fresh = computed(list(asked.values()), ANSWERING_MANY if len(films) > 1 else ANSWERING)
    for key, logits in zip(asked, fresh, strict=True):
        kept.put(key, logits)
        logits_of[key] = logits
    return [{m: Known(e.name, e.threads, logits_of[keys[film.key, m]]) for m, e in ready.items()} for film in films]


def _asking(key: tuple[Any, ...], engine: Engine, film: Film) -> Callable[[], Ticket[np.ndarray]]:
    def together(films: list[np.ndarray]) -> Sequence[np.ndarray]:
        return list(engine.predict(np.stack(films)[:, None]))

    return lambda: shared().ask(waiting.visitor(), key, together, film.pixels)


def computed(asked: Sequence[Callable[[], Ticket[T]]], what: str, draw: waiting.Draw | None = None) -> list[T]:
    """Put work into the queue and wait for all of it; where the server is busy the page ends with a word on that."""
    tickets: list[Ticket[T]] = []
    try:
        for ask in asked:
            tickets.append(ask())
    except BusyError as error:
        for ticket in tickets:
            ticket.cancel()
        waiting.busy(error)
    waiting.for_all(tickets, what, draw)
    return [ticket.result() for ticket in tickets]
