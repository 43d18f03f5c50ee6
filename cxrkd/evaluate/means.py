"""Means over the images of a cohort, with an interval over its patients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxrkd.errors import DataError
from cxrkd.evaluate.jackknife import Figure, interval, rate_interval
from cxrkd.evaluate.record import Record


@dataclass(frozen=True)
class Mean(Record):
    """A mean of what is known of N images.

    Attributes:
        value: the mean, NaN where nothing is known.
        low, high: its 95 % interval; NaN with fewer than two patients.
        n: known values. n_patients: those whom these are of.
    """

    value: float
    low: float
    high: float
    n: int
    n_patients: int

    @property
    def above_zero(self) -> bool:
        """The whole interval is; False where there is none."""
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        """The whole interval is; False where there is none."""
        return self.high < 0


def mean_by_patient(values: ArrayLike, patients: ArrayLike, *, rate: bool = False) -> Mean:
    """The mean of all known values, each counting alike, and what leaving out one patient at a time says of it.

    For a paired comparison hand in differences: what is common to both sides cancels.

    Args:
        values: (N,) or (N, K), such as a figure of each image and label; NaN is unknown and left out.
        patients: (N,), whose image it is.
        rate: values lie in [0, 1], and so does the interval.

    Raises:
        DataError: shapes do not fit.
    """
    known, who = np.asarray(values, np.float64), np.asarray(patients).astype(str)
    if known.ndim not in (1, 2) or known.shape[:1] != who.shape:
        raise DataError(f"expected values (N,) or (N, K) and patients (N,), got {known.shape} and {who.shape}")
    known = known[:, None] if known.ndim == 1 else known
    row_of = np.unique(who, return_inverse=True)[1]
    n_patients = int(row_of.max()) + 1 if len(row_of) else 0
    counts = np.bincount(row_of, (~np.isnan(known)).sum(axis=1), n_patients)
    sums = np.bincount(row_of, np.nansum(known, axis=1), n_patients)
    counts, sums = counts[counts > 0], sums[counts > 0]
    n, total = int(counts.sum()), float(sums.sum())
    if len(counts) < 2:
        return Mean(total / n if n else math.nan, math.nan, math.nan, n, len(counts))
    figure = Figure(total / n, (total - sums) / (n - counts), counts / n, step=1 / n)
    low, high = (rate_interval if rate else interval)(figure)
    return Mean(figure.value, low, high, n, len(counts))
