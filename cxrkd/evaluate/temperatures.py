"""How sure a model may be, label by label: the temperature at which its answers are calibrated."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from cxrkd.errors import DataError

BOUNDS = (0.25, 8.0)
"""Beyond them a label has too few cases to say, or a model that says nothing of it."""


def fitted_temperatures(logits: ArrayLike, targets: ArrayLike) -> np.ndarray:
    """Temperature scaling (Guo et al., ICML 2017, arXiv 1706.04599), one for each label; meant for validation films.

        T_k = argmin over T of - mean_n log P(y_nk | sigmoid(z_nk / T)),      within BOUNDS

    In 1 / T this is convex, so the minimum is the only one.

    Args:
        logits: (N, K), NaN where there is no answer.
        targets: (N, K): 1, 0, NaN unknown.

    Returns:
        float64 (K,). 1 where known cases are not of both kinds: then nothing is known of how sure it may be.

    Raises:
        DataError: the shapes differ.
    """
    z, y = np.asarray(logits, np.float64), np.asarray(targets, np.float64)
    if z.shape != y.shape or z.ndim != 2:
        raise DataError(f"expected logits and targets of one shape (images, labels), got {z.shape} and {y.shape}")
    return np.array([_fitted(*column) for column in zip(z.T, y.T, strict=True)])


def _fitted(z: np.ndarray, y: np.ndarray) -> float:
    known = np.isfinite(z) & np.isfinite(y)
    z, y = z[known], y[known]
    if not 0 < y.sum() < len(y):
        return 1.0

    def misfit(sharpness: float) -> float:
        return float(np.mean(np.logaddexp(0, sharpness * z) - sharpness * z * y))

    best = minimize_scalar(misfit, bounds=(1 / BOUNDS[1], 1 / BOUNDS[0]), method="bounded", options={"xatol": 1e-7})
    return float(1 / best.x)
