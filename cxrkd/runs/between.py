"""Networks of two runs, tested on the same films: how they differ, and which student is lighter for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from cxrkd.config import MEMBERS, Member
from cxrkd.cost.complexity import Complexity
from cxrkd.errors import CxrkdError
from cxrkd.evaluate.paired import PairedDifference, paired_difference
from cxrkd.runs.run import Run
from cxrkd.text import interval

BOUND = 0.005
"""Mean AUROC that a lighter student may be below."""
HALF = 0.5
"""Share of the multiply-adds that it has at most: less is not worth a word."""

CostsOf = Callable[[Run], Mapping[Member, Complexity]]
DifferenceOf = Callable[[Run, Run, Member], PairedDifference | None]


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
    a, b = run_a.predictions(member), run_b.predictions(member)
    if not np.array_equal(a.ids, b.ids):
        return None
    chosen = tuple(run_a.labels if labels is None else labels)
    columns = [run_a.labels.index(label) for label in chosen]
    a, b = a.of(columns), b.of(columns)
    return paired_difference(a.logits, b.logits, a.targets, a.patients, chosen)


@dataclass(frozen=True)
class Lighter:
    """A student that may stand in for another.

    Attributes:
        run: that has it, as the same member.
        member: which.
        share: of the other's multiply-adds.
        difference: its AUROC minus the other's, on the same films.
    """

    run: Run
    member: Member
    share: float
    difference: PairedDifference

    @property
    def sentence(self) -> str:
        """What it is, for whoever may choose it."""
        one = self.difference
        change = interval(one.macro_diff, one.macro_low, one.macro_high, sign=True)
        return (
            f"The student of {self.run.id} needs {self.share:.0%} of the multiply-adds; "
            f"mean AUROC of {one.n_labels} findings on the same films {change}."
        )


def lighter(run: Run, others: Iterable[Run], costs_of: CostsOf, difference_of: DifferenceOf) -> Lighter | None:
    """The lightest student among other runs that is as good as this run's: at most `BOUND` below it on the same films.

    Args:
        run: finished.
        others: finished runs; damaged ones do not count.
        costs_of: what the members of a run cost.
        difference_of: `difference`, or what remembers it.

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
            apart = difference_of(other, run, member) if share <= HALF and other.id != run.id else None
        except CxrkdError:
            continue
        if apart is not None and apart.macro_diff >= -BOUND:
            by_share.append(Lighter(other, member, share, apart))
    return min(by_share, key=lambda one: one.share, default=None)
