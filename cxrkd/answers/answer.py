"""What networks answer about one film. The command line and the Classify page both ask here."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from cxrkd.answers.verdict import verdict
from cxrkd.config import Member
from cxrkd.images.film import Film
from cxrkd.logits import require_numbers
from cxrkd.plain import plain

if TYPE_CHECKING:
    from cxrkd.runtime.protocol import Engine

_TIMED_CALLS = 3


@dataclass(frozen=True)
class MemberAnswer:
    """One network's answer.

    Attributes:
        engine: name of the engine that computed it.
        probs: float64 (K,), sigmoid of the logits.
        thresholds: float64 (K,), the member's own operating points; NaN where it does not judge.
        latency_ms: of one image (batch of one), the median of calls after a warm-up; NaN where it was not measured.
    """

    engine: str
    probs: np.ndarray
    thresholds: np.ndarray
    latency_ms: float

    @property
    def positive(self) -> np.ndarray:
        """Bool (K,): the probability reaches the threshold; False where there is no threshold."""
        return np.asarray(self.probs >= self.thresholds)

    @property
    def judged(self) -> np.ndarray:
        """Bool (K,): the label can be called or not; without a threshold, or an answer, it is not judged."""
        return ~np.isnan(self.thresholds) & ~np.isnan(self.probs)


@dataclass(frozen=True)
class Answer:
    """What all asked members say about one film.

    Attributes:
        film: which one: its name, hash, the reader's notes and the gate's verdict.
        labels: K names.
        members: what each network says.
        warning: empty, or a sentence to show beside the figures.
    """

    film: Film
    labels: tuple[str, ...]
    members: dict[Member, MemberAnswer]
    warning: str

    def verdict(self, member: Member, at_most: int | None = None) -> str:
        """What a member calls, the most probable first, of what it can call; see `cxrkd.answers.verdict`."""
        answer = self.members[member]
        called = [self.labels[k] for k in np.argsort(-answer.probs, kind="stable") if answer.positive[k]]
        return verdict(called, list(compress(self.labels, answer.judged)), at_most)

    def table(self) -> list[dict[str, Any]]:
        """A row a label: `label`, and per member `<member>_prob`, `<member>_threshold`, `<member>_positive`.

        With a teacher, `<student>_difference` is the student's probability minus the teacher's. `positive` and
        `threshold` are None where the member does not judge the label.
        """
        return [self._row(k) for k in range(len(self.labels))]

    def _row(self, k: int) -> dict[str, Any]:
        row: dict[str, Any] = {"label": self.labels[k]}
        teacher = self.members.get("teacher")
        for member, answer in self.members.items():
            judged = bool(answer.judged[k])
            row[f"{member}_prob"] = float(answer.probs[k])
            row[f"{member}_threshold"] = float(answer.thresholds[k]) if judged else None
            row[f"{member}_positive"] = bool(answer.positive[k]) if judged else None
            if teacher is not None and member != "teacher":
                row[f"{member}_difference"] = float(answer.probs[k] - teacher.probs[k])
        return row

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; NaN becomes None."""
        members = {
            member: {
                "engine": answer.engine,
                "latency_ms": plain(answer.latency_ms),
                "verdict": self.verdict(member),
                "judged": list(compress(self.labels, answer.judged)),
                "probs": dict(zip(self.labels, plain(answer.probs), strict=True)),
                "thresholds": dict(zip(self.labels, plain(answer.thresholds), strict=True)),
                "positive": list(compress(self.labels, answer.positive)),
            }
            for member, answer in self.members.items()
        }
        return self.film.to_dict() | {"warning": self.warning, "members": members}


def classify(
    films: Sequence[Film],
    engines: Mapping[Member, Engine],
    *,
    labels: tuple[str, ...],
    thresholds: Mapping[Member, np.ndarray],
    warning: str = "",
    whose: str = "",
    timed: bool = True,
) -> list[Answer]:
    """Ask every engine about every film, one film at a time, so that a latency is that of one film.

    Args:
        films: any number.
        engines: by member, from `load_engines`.
        labels: K names, in the order of the logits.
        thresholds: by member, float64 (K,); NaN where it does not judge.
        warning: what has to be said beside answers about real films.
        whose: the networks are, to begin an error with.
        timed: measure how long an engine takes: the median over all films, at least three calls, after a warm-up.
            False asks once, for when other work would spoil the figure.

    Raises:
        AnswerError: a network gives what is no number for a label that it was taught.
    """
    if not films:
        return []
    if timed:
        for engine in engines.values():
            engine.predict(films[0].pixels[None, None])  # the first call pays for allocations
    asked = [{member: _ask(engine, film.pixels) for member, engine in engines.items()} for film in films]
    times = {member: [calls[member][1] for calls in asked] for member in engines}
    for member, engine in engines.items() if timed else ():
        times[member] += [_ask(engine, films[0].pixels)[1] for _ in range(_TIMED_CALLS - len(films))]
    latencies = {member: statistics.median(times[member]) if timed else math.nan for member in engines}
    names = {member: engine.name for member, engine in engines.items()}
    return [
        answer_of(
            film,
            {member: logits for member, (logits, _) in calls.items()},
            names,
            labels=labels,
            thresholds=thresholds,
            latencies=latencies,
            warning=warning,
            whose=whose,
        )
        for film, calls in zip(films, asked, strict=True)
    ]


def answer_of(
    film: Film,
    logits: Mapping[Member, np.ndarray],
    engines: Mapping[Member, str],
    *,
    labels: tuple[str, ...],
    thresholds: Mapping[Member, np.ndarray],
    latencies: Mapping[Member, float],
    warning: str = "",
    whose: str = "",
) -> Answer:
    """What logits (K,) by member come to; `engines` names who gave them, the others are as for `classify`.

    Raises:
        AnswerError: a network gives what is no number for a label that it was taught.
    """
    members = {}
    for member, own in logits.items():
        cuts = thresholds[member]
        # A threshold was chosen on answers: whoever has one was taught the label.
        require_numbers(own, labels, f"{whose}, {member}" if whose else member, np.isnan(cuts))
        members[member] = MemberAnswer(engines[member], expit(own.astype(np.float64)), cuts, latencies[member])
    return Answer(film, labels, members, warning if film.real else "")


def _ask(engine: Engine, pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """Logits (K,) and milliseconds of one call with one film (S, S)."""
    began = time.perf_counter()
    logits = engine.predict(pixels[None, None])[0]
    return logits, (time.perf_counter() - began) * 1e3
