"""Intervals by leaving out one patient at a time, so that several images of one patient do not count as independent.

The figure is computed again without each patient in turn. The sum of squares of what that changes estimates the
variance that comes from which patients were met (Efron and Stein, Annals of Statistics 1981); with one image a patient
it is, for an AUROC, that of DeLong, DeLong and Clarke-Pearson (Biometrics 1988) with n - 1 in place of n. For a rate
the changes are taken on the logit scale, where a patient who alone makes the errors counts for much. The quantile is
Student's, with as many degrees of freedom as there are patients of the rarer class, less one.
`tests/evaluate/coverage.py` measures how often such intervals hold the truth, beside those of bootstraps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

LEVEL = 0.95


@dataclass(frozen=True)
class Figure:
    """A figure, and what it would be with less.

    Attributes:
        value: as computed from all patients and trainings.
        without: float64 (P,), the same with one patient left out; NaN where nothing is left to compute it from.
        weight: float64 (P,), the share of each patient in the class that is rarer; sums to 1.
        step: the least that a single image can change a rate by.
        trainings: one array (R,) for each independent set of trainings: the figure with one of them alone. A set of
            one adds nothing: its scatter is not known.
    """

    value: float
    without: np.ndarray
    weight: np.ndarray
    step: float = 0.0
    trainings: tuple[np.ndarray, ...] = ()

    @property
    def df(self) -> float:
        """Effective number of patients (Kish 1965) of the rarer class, less one."""
        return float(1 / np.sum(self.weight**2) - 1)


def interval(figure: Figure) -> tuple[float, float]:
    """95 % interval of a figure without bounds, such as a difference; NaN where it cannot be known."""
    reach = _reach(figure, np.asarray)
    return figure.value - reach, figure.value + reach


def drawn_interval(value: float, drawn: np.ndarray, figure: Figure, floor: float = 0.0) -> tuple[float, float]:
    """95 % interval of a figure that jumps as patients leave, from what other draws of patients give.

    Leaving out one patient at a time says too much or too little of a quantile; the scatter over draws with replacement
    takes the place of the jackknife's variance, and quantile and trainings stay as they are (`interval`).

    Args:
        value: as computed from all patients.
        drawn: float64 (B,), the same for each draw; NaN where a draw lacks a class.
        figure: whose weights and trainings count; its `without` is not looked at.
        floor: variance at least added, for figures of so few cases that all draws may agree.
    """
    reach = _half_width(float(np.nanvar(drawn, ddof=1)) + floor, figure, np.asarray)
    return value - reach, value + reach


def rate_interval(figure: Figure) -> tuple[float, float]:
    """95 % interval of a rate in [0, 1], made on the logit scale; NaN where it cannot be known.

    A rate of exactly 0 or 1 shows no scatter. Its open side then is the exact bound of n successes in n trials, n the
    effective number of patients (Clopper and Pearson, Biometrika 1934).
    """
    if figure.value in (0.0, 1.0):
        reach = ((1 - LEVEL) / 2) ** (1 / (figure.df + 1))
        return (reach, 1.0) if figure.value == 1.0 else (0.0, 1 - reach)

    def scale(values: np.ndarray | float) -> np.ndarray:
        return np.asarray(logit(np.clip(values, figure.step / 2, 1 - figure.step / 2)))

    reach, centre = _reach(figure, scale), float(scale(figure.value))
    return float(expit(centre - reach)), float(expit(centre + reach))


def _reach(figure: Figure, scale: Callable[[np.ndarray | float], np.ndarray]) -> float:
    if math.isnan(figure.value) or figure.df <= 0:
        return math.nan
    return _half_width(_of_patients(figure, scale), figure, scale)


def _of_patients(figure: Figure, scale: Callable[[np.ndarray | float], np.ndarray]) -> float:
    return float(np.sum((scale(figure.without) - scale(figure.value)) ** 2))


def _half_width(of_patients: float, figure: Figure, scale: Callable[[np.ndarray | float], np.ndarray]) -> float:
    """Half the width of an interval."""
    from scipy.stats import t as student  # takes a third of a second to import; pages only read what was measured

    variance, df = _variance(of_patients, figure, scale)
    return float(student.ppf((1 + LEVEL) / 2, df)) * math.sqrt(variance) if variance > 0 else variance


def _variance(
    of_patients: float, figure: Figure, scale: Callable[[np.ndarray | float], np.ndarray]
) -> tuple[float, float]:
    """Variances of patients and of trainings added, and the degrees of freedom by Satterthwaite (1946)."""
    parts = [(of_patients, figure.df)]
    parts += [(float(np.var(scale(s), ddof=1)) / len(s), len(s) - 1.0) for s in figure.trainings if len(s) > 1]
    variance = sum(part for part, _ in parts)
    return variance, variance**2 / sum(part**2 / df for part, df in parts) if variance > 0 else math.nan


def p_value(figure: Figure) -> float:
    """Two-sided p of a figure without bounds, such as a difference, being zero; NaN where it cannot be known.

    By the same variance and degrees of freedom as `interval`: below 0.05 exactly where that leaves zero out.
    """
    if math.isnan(figure.value) or figure.df <= 0:
        return math.nan
    from scipy.stats import t as student

    variance, df = _variance(_of_patients(figure, np.asarray), figure, np.asarray)
    if variance > 0:
        return float(2 * student.sf(abs(figure.value) / math.sqrt(variance), df))
    return math.nan if math.isnan(variance) else float(figure.value == 0)


def mean_figure(values: np.ndarray, without: np.ndarray, weight: np.ndarray, step: float) -> Figure:
    """The mean over trainings of values (R,) and without (R, P)."""
    return Figure(float(values.mean()), without.mean(axis=0), weight, step, (values,))
