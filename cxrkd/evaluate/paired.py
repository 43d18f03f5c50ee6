"""Is model a better than model b? The same patients are drawn for both, so what both find hard cancels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from cxrkd.evaluate.bootstrap import draw_patients, interval, label_draws, macro
from cxrkd.evaluate.inputs import as_cases, as_seeds, has_answer
from cxrkd.evaluate.metrics import MIN_POSITIVES, label_aurocs
from cxrkd.evaluate.record import Record


@dataclass(frozen=True)
class LabelDifference(Record):
    """AUROC of a minus AUROC of b for one label, with its 95 % interval; NaN when not evaluable."""

    label: str
    diff: float
    low: float
    high: float
    evaluable: bool


@dataclass(frozen=True)
class PairedDifference(Record):
    """How two models differ on the same images.

    Attributes:
        labels: one entry a label.
        macro_diff: macro AUROC of a minus that of b, with `macro_low`, `macro_high` (95 %, paired patient bootstrap).
        ratio: macro AUROC of a over that of b ("keeps 98 % of the teacher"), with `ratio_low`, `ratio_high`. AUROC
            starts at 0.5, so a ratio of 0.9 is far from nine tenths of the teacher's skill.
        n: images.
        n_patients: distinct patients.
        n_seeds_a: trainings behind a.
        n_seeds_b: trainings behind b.
        n_boot: draws.
    """

    labels: tuple[LabelDifference, ...]
    macro_diff: float
    macro_low: float
    macro_high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    n: int
    n_patients: int
    n_seeds_a: int
    n_seeds_b: int
    n_boot: int

    @property
    def excludes_zero(self) -> bool:
        """The macro interval leaves zero out; False where it is undefined."""
        return self.macro_low > 0 or self.macro_high < 0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The difference that `to_dict` wrote."""
        return super().from_dict(values | {"labels": [LabelDifference.from_dict(v) for v in values["labels"]]})


def paired_difference(
    logits_a: ArrayLike,
    logits_b: ArrayLike,
    targets: ArrayLike,
    patients: ArrayLike,
    labels: Sequence[str],
    n_boot: int = 1000,
    seed: int = 0,
    min_positives: int = MIN_POSITIVES,
) -> PairedDifference:
    """Difference a - b of AUROC per label and macro, and the ratio a / b of the macros.

    Args:
        logits_a: (N, K), or (R, N, K) for R seeds; seeds are averaged within each draw.
        logits_b: the same for b; its number of seeds may differ.
        targets: (N, K): 1, 0, or NaN unknown.
        patients: (N,), the unit of the bootstrap.
        labels: K names.
        n_boot: draws; 0 leaves the intervals NaN.
        seed: of the draws, which both models share.
        min_positives: below this a label is not evaluable and stays out of the macro.

    Raises:
        DataError: shapes do not fit, logits are NaN, or targets are not 0, 1 or NaN.
    """
    cases = as_cases(targets, patients, labels)
    models = [as_seeds(logits, cases.targets.shape) for logits in (logits_a, logits_b)]
    evaluable = cases.evaluable(min_positives) & has_answer(models[0]) & has_answer(models[1])
    draws = draw_patients(cases.patients, n_boot, seed)
    a, b = (label_aurocs(z, cases, evaluable).mean(axis=1) for z in models)
    drawn_a, drawn_b = (label_draws(z, cases, draws, evaluable) for z in models)
    low, high = interval(macro(drawn_a) - macro(drawn_b))
    ratio_low, ratio_high = interval(_ratio(macro(drawn_a), macro(drawn_b)))
    return PairedDifference(
        labels=tuple(
            LabelDifference(label, float(a[k] - b[k]), *interval(drawn_a[k] - drawn_b[k]), bool(evaluable[k]))
            for k, label in enumerate(cases.labels)
        ),
        macro_diff=float(macro(a) - macro(b)),
        macro_low=low,
        macro_high=high,
        ratio=float(_ratio(macro(a), macro(b))),
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        n=len(cases.targets),
        n_patients=len(draws.times),
        n_seeds_a=len(models[0]),
        n_seeds_b=len(models[1]),
        n_boot=n_boot,
    )


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quotient, NaN where b is zero or undefined: an AUROC of exactly 0 can happen with a handful of cases."""
    return np.divide(a, b, out=np.full(np.shape(b), math.nan), where=np.asarray(b) > 0)
