"""Film by film: do teacher and student give the same answer, and for the same reason?

The four fields of prediction agreement by explanation agreement. The one to open is *same answer, maps no more alike
than chance*: a table of AUROCs cannot show it. On one film chance reaches high, so this is where a common reason is not
shown, and its first rows, whose maps are least alike, are where the reason is another one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxrkd.config import Member
from cxrkd.runs.auditing.job import AuditJob

NEAR = 0.1
"""Probabilities this close are one answer, of a finding that not both networks can call."""


@dataclass(frozen=True, eq=False)
class Cells:
    """M cells (a film and a label) of a student: those whose finding is present, or called by either network.

    Attributes:
        films: int (M,), number of the film in the audit. labels: int (M,), of the label.
        probs_t, probs_s: float64 (M,), probabilities of teacher and student.
        agreement: float64 (M,), rank correlation of their maps; NaN where one is flat.
        same_answer: bool (M,), both call it or neither does; where one cannot call it, probabilities within NEAR.
        same_reason: bool (M,), the agreement is above every chance line of the cell; False where it is undefined.
        present: bool (M,), the finding is on the film. known: bool (M,), whether it is is known.
    """

    films: np.ndarray
    labels: np.ndarray
    probs_t: np.ndarray
    probs_s: np.ndarray
    agreement: np.ndarray
    same_answer: np.ndarray
    same_reason: np.ndarray
    present: np.ndarray
    known: np.ndarray

    def field(self, *, same_answer: bool, same_reason: bool) -> np.ndarray:
        """Cells int (m,) of one of the four fields, the most alike first; without a common reason the least alike."""
        inside = np.flatnonzero((self.same_answer == same_answer) & (self.same_reason == same_reason))
        agreement = self.agreement[inside]
        return inside[np.argsort(-agreement if same_reason else agreement, kind="stable")]


def cells_of(job: AuditJob, student: Member) -> Cells:
    """The cells of a student.

    Raises:
        RunError: maps or figures of the run are missing or damaged.
    """
    targets, agreement = job.films()["targets"], job.agreements()[student]
    asked: tuple[Member, Member] = ("teacher", student)
    probs, calls = ({member: ask(member) for member in asked} for ask in (job.probs, job.calls))
    both = ~np.isnan(calls["teacher"]) & ~np.isnan(calls[student])
    near = np.abs(probs["teacher"] - probs[student]) <= NEAR
    same_answer = np.where(both, calls["teacher"] == calls[student], near)
    called = (calls["teacher"] == 1) | (calls[student] == 1)
    films, labels = np.nonzero((targets == 1) | called)
    at = films, labels
    return Cells(
        films,
        labels,
        probs["teacher"][at],
        probs[student][at],
        agreement.own[at],
        same_answer[at],
        agreement.above_chance[at] == 1,
        targets[at] == 1,
        ~np.isnan(targets[at]),
    )
