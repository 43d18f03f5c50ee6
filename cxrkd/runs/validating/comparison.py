"""What a run gets on films of another set, beside what it gets on its own test films: finding by finding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cxrkd.evaluate.metrics import ModelMetrics, evaluate
from cxrkd.evaluate.record import Record
from cxrkd.plain import plain
from cxrkd.runs.predictions import Answerer, Predictions
from cxrkd.runs.validating.validation import Validation, of_seeds


@dataclass(frozen=True)
class Auroc(Record):
    """An AUROC with its 95 % interval; NaN where there are not enough cases."""

    auroc: float
    low: float
    high: float


NONE = Auroc(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Beside(Record):
    """One finding of one member.

    Attributes:
        label: the finding.
        own: on the run's own test films.
        here: on the films of the set.
    """

    label: str
    own: Auroc
    here: Auroc


@dataclass(frozen=True)
class MemberBeside(Record):
    """One member on both.

    Attributes:
        seeds: that the figures are over; the same on both sides.
        findings: K rows.
        mean_own: over the `n_both` findings that count on both sides.
        mean_here: over the same.
        both: those findings.
    """

    seeds: tuple[int, ...]
    findings: tuple[Beside, ...]
    mean_own: Auroc
    mean_here: Auroc
    both: tuple[str, ...]

    @property
    def n_both(self) -> int:
        """Findings that the means are over."""
        return len(self.both)


@dataclass(frozen=True)
class Comparison:
    """All members on both.

    Attributes:
        labels: K findings of the run.
        members: by member, and of the model without anatomy.
    """

    labels: tuple[str, ...]
    members: dict[Answerer, MemberBeside]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; NaN becomes None."""
        members = {who: plain(one.to_dict()) for who, one in self.members.items()}
        return {"labels": list(self.labels), "members": members}


def compare_with_own(validation: Validation) -> Comparison:
    """The figures of a finished validation beside those on the run's own test films, of the same seeds.

    Raises:
        RunError: the run is gone, or answers are missing or damaged.
    """
    run, here = validation.run(), validation.test()
    own = run.held_out().test
    both = {who: _member(of_seeds(own[who], one.seeds), one, run.labels) for who, one in here.items() if who in own}
    return Comparison(run.labels, both)


def _member(own: Predictions, here: Predictions, labels: tuple[str, ...]) -> MemberBeside:
    a, b = (_measured(one, labels) for one in (own, here))
    counts = [k for k in range(len(labels)) if a.labels[k].evaluable and b.labels[k].evaluable]
    common = tuple(labels[k] for k in counts)
    mean_own, mean_here = (_macro(_measured(one.of(counts), common)) if counts else NONE for one in (own, here))
    rows = tuple(Beside(label, _figure(a, k), _figure(b, k)) for k, label in enumerate(labels))
    return MemberBeside(here.seeds, rows, mean_own, mean_here, common)


def _measured(one: Predictions, labels: tuple[str, ...]) -> ModelMetrics:
    return evaluate(one.logits, one.targets, one.patients, labels)


def _figure(model: ModelMetrics, k: int) -> Auroc:
    row = model.labels[k]
    return Auroc(row.auroc, row.auroc_low, row.auroc_high)


def _macro(model: ModelMetrics) -> Auroc:
    return Auroc(model.macro_auroc, model.macro_low, model.macro_high)
