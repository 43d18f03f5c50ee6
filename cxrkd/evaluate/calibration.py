"""Does a probability of 0.3 mean three in ten? Reliability, expected calibration error, Brier score."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from cxrkd.errors import DataError
from cxrkd.evaluate.record import Record

N_BINS = 15


@dataclass(frozen=True)
class Reliability(Record):
    """Bins of equal width that hold at least one case, from low to high probability.

    Attributes:
        predicted: mean probability of each bin.
        observed: share of positives of each bin.
        count: number of cases of each bin.
        ece: sum over bins of count / n * |predicted - observed|; NaN without cases. Of several labels it is the mean of
            theirs, as in `ModelMetrics`: pooled bins let one label's excess pay for another's lack.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    count: tuple[int, ...]
    ece: float


def reliability(logits: ArrayLike, targets: ArrayLike, n_bins: int = N_BINS) -> Reliability:
    """Reliability of one label (N,), or of several (N, K): bins that pool them, and the mean of their ECEs.

    Bins are `n_bins` of equal width on [0, 1], open below, closed above. NaN targets and NaN logits are left out. The
    columns of the evaluable labels of one seed give the `ece` of its `ModelMetrics`.

    Raises:
        DataError: logits and targets have different shapes.
    """
    values, truth = np.asarray(logits, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if values.shape != truth.shape or values.ndim not in (1, 2):
        raise DataError(
            "expected logits and targets of one shape, (images,) or (images, labels), "
            f"got {values.shape} and {truth.shape}"
        )
    known = ~np.isnan(truth) & ~np.isnan(values)
    pooled = _bins(expit(values[known]), truth[known], n_bins)
    if values.ndim == 1:
        return pooled
    each = [_bins(expit(z[m]), t[m], n_bins).ece for z, t, m in zip(values.T, truth.T, known.T, strict=True) if m.any()]
    return replace(pooled, ece=float(np.mean(each)) if each else math.nan)


def _bins(probs: np.ndarray, truth: np.ndarray, n_bins: int) -> Reliability:
    if not len(probs):
        return Reliability((), (), (), math.nan)
    which = np.clip(np.ceil(probs * n_bins).astype(int) - 1, 0, n_bins - 1)
    count = np.bincount(which, minlength=n_bins)
    full = count > 0
    predicted = np.bincount(which, probs, n_bins)[full] / count[full]
    observed = np.bincount(which, truth, n_bins)[full] / count[full]
    ece = float(np.sum(count[full] * np.abs(predicted - observed)) / len(probs))
    return Reliability(tuple(predicted.tolist()), tuple(observed.tolist()), tuple(count[full].tolist()), ece)


def expected_calibration_error(probs: np.ndarray, positive: np.ndarray, n_bins: int = N_BINS) -> float:
    """ECE of the positive class over `n_bins` equal-width bins (Guo et al., ICML 2017); NaN if empty.

    With rare labels nearly all cases share the lowest bins; read it beside the reliability chart.
    """
    return _bins(probs, positive.astype(np.float64), n_bins).ece


def brier_score(probs: np.ndarray, positive: np.ndarray) -> float:
    """Mean squared error of the probability (Brier, Monthly Weather Review 1950); NaN if empty."""
    return float(np.mean((probs - positive) ** 2)) if len(probs) else math.nan
