"""Is model a better than model b? Each patient is left out of both at once, so what both find hard cancels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxrkd.evaluate.inputs import MIN_POSITIVE_PATIENTS, Cases, as_cases, as_seeds, has_answer
from cxrkd.evaluate.jackknife import Figure, interval, p_value, rate_interval
from cxrkd.evaluate.leaving import Aurocs, label_aurocs
from cxrkd.evaluate.record import Record

MIN_SEEDS = 3
"""Trainings of each side from which a difference between methods may be claimed; of fewer the scatter is not known."""

AS_GOOD = 0.005
"""Mean AUROC by which what costs less may be below what it stands in for, and still be taken for as good."""

CHANCE = 0.5


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

    The intervals (95 %) hold which patients were met and, of every side with several trainings, how these scatter. With
    one training a side is taken as the one network that it is.

    Attributes:
        labels: one entry a label.
        macro_diff: macro AUROC of a minus that of b, both over the `n_labels` evaluable labels, with `macro_low`,
            `macro_high`.
        ratio: macro AUROC of a over that of b ("keeps 98 % of the AUROC"), with `ratio_low`, `ratio_high`. AUROC
            starts at 0.5, so read `skill` beside it.
        skill: (AUROC of a - 0.5) / (AUROC of b - 0.5) of the macros, with `skill_low`, `skill_high`. NaN where b
            shows no skill: its own interval reaches down to 0.5, so the quotient could be anything.
        n: images.
        n_patients: distinct patients.
        n_seeds_a: trainings behind a.
        n_seeds_b: trainings behind b.
    """

    labels: tuple[LabelDifference, ...]
    macro_diff: float
    macro_low: float
    macro_high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    skill: float
    skill_low: float
    skill_high: float
    n: int
    n_patients: int
    n_seeds_a: int
    n_seeds_b: int

    @property
    def n_labels(self) -> int:
        """Number of labels that the means are over."""
        return sum(row.evaluable for row in self.labels)

    @property
    def n_seeds(self) -> int:
        """Trainings of the side that has fewer."""
        return min(self.n_seeds_a, self.n_seeds_b)

    @property
    def excludes_zero(self) -> bool:
        """A difference is shown: the macro interval leaves zero out and holds the scatter of `MIN_SEEDS` a side.

        False where the interval is undefined, and with fewer trainings: it then speaks of patients only.
        """
        return self.n_seeds >= MIN_SEEDS and (self.macro_low > 0 or self.macro_high < 0)


def paired_difference(
    logits_a: ArrayLike,
    logits_b: ArrayLike,
    targets: ArrayLike,
    patients: ArrayLike,
    labels: Sequence[str],
    min_patients: int = MIN_POSITIVE_PATIENTS,
) -> PairedDifference:
    """Difference a - b of AUROC per label and macro, the ratio a / b of the macros, and that of their skill.

    Args:
        logits_a: (N, K), or (R, N, K) for R seeds, whose AUROCs are averaged.
        logits_b: the same for b. With as many seeds as a, those at the same place are taken as a pair, such as two
            trainings from one start; with another number, as trained apart.
        targets: (N, K): 1, 0, or NaN unknown.
        patients: (N,), the unit of the intervals.
        labels: K names.
        min_patients: with fewer positive patients a label is not evaluable and stays out of the macro.

    Raises:
        DataError: shapes do not fit, logits are NaN, or targets are not 0, 1 or NaN.
    """
    cases = as_cases(targets, patients, labels)
    models = [as_seeds(logits, cases.targets.shape) for logits in (logits_a, logits_b)]
    a, b = _aurocs(models, cases, min_patients)
    macros = (a.macro(), b.macro())
    diff, ratio, skill = (_of_two(f, *macros) for f in (np.subtract, _ratio, _skill))
    has_skill = rate_interval(macros[1])[0] > CHANCE
    return PairedDifference(
        tuple(_label_difference(cases.labels[k], a, b, k) for k in range(len(labels))),
        *(diff.value, *interval(diff)),
        *(ratio.value, *interval(ratio)),
        *((skill.value, *interval(skill)) if has_skill else (math.nan,) * 3),
        n=len(cases.targets),
        n_patients=cases.n_patients,
        n_seeds_a=len(models[0]),
        n_seeds_b=len(models[1]),
    )


def paired_p(
    logits_a: ArrayLike,
    logits_b: ArrayLike,
    targets: ArrayLike,
    patients: ArrayLike,
    labels: Sequence[str],
    min_patients: int = MIN_POSITIVE_PATIENTS,
) -> float:
    """Two-sided p of the macro difference a - b being zero, over patients and seeds; NaN where that is not known.

    Arguments and errors as of `paired_difference`; below 0.05 exactly where its macro interval leaves zero out.
    """
    cases = as_cases(targets, patients, labels)
    models = [as_seeds(logits, cases.targets.shape) for logits in (logits_a, logits_b)]
    return p_value(_of_two(np.subtract, *(aurocs.macro() for aurocs in _aurocs(models, cases, min_patients))))


def _aurocs(models: Sequence[np.ndarray], cases: Cases, min_patients: int) -> list[Aurocs]:
    """Of two models, over the labels that both answer and that have enough cases."""
    evaluable = cases.evaluable(min_patients) & has_answer(models[0]) & has_answer(models[1])
    return [label_aurocs(logits, cases, evaluable) for logits in models]


def _label_difference(label: str, a: Aurocs, b: Aurocs, k: int) -> LabelDifference:
    figure = _of_two(np.subtract, a.label(k), b.label(k))
    return LabelDifference(label, figure.value, *interval(figure), bool(a.evaluable[k]))


def _of_two(f: Callable[..., np.ndarray], a: Figure, b: Figure) -> Figure:
    """What `f` makes of two figures of the same patients."""
    (each_a,), (each_b,) = a.trainings, b.trainings
    paired = len(each_a) == len(each_b)
    trainings = (f(each_a, each_b),) if paired else (f(each_a, b.value), f(a.value, each_b))
    return Figure(float(f(a.value, b.value)), f(a.without, b.without), a.weight, trainings=trainings)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quotient, NaN where b is zero or undefined: an AUROC of exactly 0 can happen with a handful of cases."""
    return np.divide(a, b, out=np.full(np.broadcast(a, b).shape, math.nan), where=np.asarray(b) > 0)


def _skill(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quotient of what is above chance; NaN where b is not."""
    return _ratio(np.subtract(a, CHANCE), np.subtract(b, CHANCE))
