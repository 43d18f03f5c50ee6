"""Networks of two runs, tested on the same films: how they differ, and which student is lighter for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrkd.config import MEMBERS, Member
from cxrkd.cost.complexity import Complexity
from cxrkd.errors import CxrkdError
from cxrkd.evaluate.paired import AS_GOOD, PairedDifference, paired_difference
from cxrkd.runs.predictions import Predictions
from cxrkd.runs.run import Run
from cxrkd.runs.validating.readers import judged_by_radiologists
from cxrkd.text import interval, minus, percent

HALF = 0.5
"""Share of the multiply-adds that it has at most: less is not worth a word."""

CostsOf = Callable[[Run], Mapping[Member, Complexity]]


def difference(run_a: Run, run_b: Run, member: Member, labels: Iterable[str] | None = None) -> PairedDifference | None:
    """AUROC of a member of a minus that of b, over all seeds; None where the two were tested on different films.

    Args:
        run_a: finished.
        run_b: finished.
        member: that both have.
        labels: of a, that count; all unless given.

    Raises:
        RunError: predictions are missing or damaged.
    """
    if run_a.config.data != run_b.config.data or run_a.labels != run_b.labels:
        return None
    chosen = tuple(run_a.labels if labels is None else labels)
    columns = [run_a.labels.index(label) for label in chosen]
    return _paired(run_a.predictions(member).of(columns), run_b.predictions(member).of(columns), chosen)


@dataclass(frozen=True)
class Apart:
    """How two students differ: by the labels of radiologists where both runs were judged by them, else by their own."""

    difference: PairedDifference
    judged: bool


def apart(run_a: Run, run_b: Run, member: Member) -> Apart | None:
    """As `difference`, by the labels that count most.

    Raises:
        RunError: predictions are missing or damaged.
    """
    readings = [reading for run in (run_a, run_b) if (reading := judged_by_radiologists(run)) is not None]
    answers = [answer for reading in readings if (answer := reading.test().get(member)) is not None]
    if len(answers) == 2 and run_a.labels == run_b.labels:
        by_them = _paired(answers[0], answers[1], run_a.labels)
        if by_them is not None:
            return Apart(by_them, judged=True)
    own = difference(run_a, run_b, member)
    return None if own is None else Apart(own, judged=False)


def _paired(a: Predictions, b: Predictions, labels: Sequence[str]) -> PairedDifference | None:
    """None where films or their labels are not the same."""
    if not np.array_equal(a.ids, b.ids) or not np.array_equal(a.targets, b.targets, equal_nan=True):
        return None
    return paired_difference(a.logits, b.logits, a.targets, a.patients, labels)


ApartOf = Callable[[Run, Run, Member], Apart | None]


@dataclass(frozen=True)
class Lighter:
    """A student that may stand in for another.

    Attributes:
        run: that has it, as the same member.
        member: which.
        share: of the other's multiply-adds.
        apart: its AUROC minus the other's, on the same films.
    """

    run: Run
    member: Member
    share: float
    apart: Apart

    @property
    def sentence(self) -> str:
        """What it is, for whoever may choose it."""
        one, by = self.apart.difference, "radiologists" if self.apart.judged else "their labels"
        change = interval(one.macro_diff, one.macro_low, one.macro_high, sign=True)
        return (
            f"The student of {self.run.name} needs {percent(self.share, 0)} of this one's multiply-adds. Its mean "
            f"AUROC of {one.n_labels} findings minus this one's, on the same {one.n:,} films, by {by}: {minus(change)}."
        )


def lighter(run: Run, others: Iterable[Run], costs_of: CostsOf, apart_of: ApartOf = apart) -> Lighter | None:
    """The lightest student among other runs that is as good as this run's: at most AS_GOOD below it on the same films.

    Args:
        run: finished.
        others: finished runs; damaged ones do not count.
        costs_of: what the members of a run cost.
        apart_of: `apart`, or what remembers it.

    Raises:
        RunError: files of the run itself are missing or damaged.
    """
    member = next((one for one in reversed(MEMBERS) if one in run.members() and one != "teacher"), None)
    if member is None:
        return None
    own = costs_of(run)[member].macs
    by_share: list[Lighter] = []
    for other in others:
        try:
            share = costs_of(other)[member].macs / own if member in other.members() else 1.0
            beside = apart_of(other, run, member) if share <= HALF and other.id != run.id else None
        except CxrkdError:
            continue
        if beside is not None and beside.difference.macro_diff >= -AS_GOOD:
            by_share.append(Lighter(other, member, share, beside))
    return min(by_share, key=lambda one: one.share, default=None)
