"""The linear model that LIME puts in place of the network around one image: neighbourhood, regression, stability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Surrogate:
    """A local linear model per label: weights float32 (K, S), intercept (K,), weighted R2 (K,)."""

    weights: np.ndarray
    intercept: np.ndarray
    r2: np.ndarray


def proximity(masks: np.ndarray, kernel_width: float = 0.25) -> np.ndarray:
    """Sample weights (N,) of masks (N, S): lime's exponential kernel on the cosine distance to the unchanged image.

    A mask that shows m of S superpixels lies at 1 - sqrt(m / S); an empty one, which has no direction, at 1.
    """
    distance = 1 - np.sqrt(masks.mean(axis=1))
    return np.sqrt(np.exp(-(distance**2) / kernel_width**2))


def weighted_ridge(masks: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray, alpha: float = 1.0) -> Surrogate:
    """Ridge regression with intercept, one solve for all labels; equal to lime's LimeBase with every feature kept.

    minimise  sum_n w_n (y_nk - b_k - x_n . beta_k)^2 + alpha |beta_k|^2

    Args:
        masks: (N, S), seen = 1.
        targets: (N, K); a column of NaN, a label that the network was never taught, gives weights of NaN.
        sample_weight: (N,), positive.
        alpha: penalty; 0 is least squares (the smallest solution where there are several).
    """
    w = sample_weight / sample_weight.sum()
    x, y = masks.astype(np.float64), targets.astype(np.float64)
    x_mean, y_mean = w @ x, w @ y
    x, y = x - x_mean, y - y_mean
    weighted = x * sample_weight[:, None]
    asked = np.isfinite(y).all(axis=0)  # one NaN column would spoil the solve of all
    beta = np.full((x.shape[1], y.shape[1]), np.nan)
    normal = weighted.T @ x + alpha * np.eye(x.shape[1])
    beta[:, asked] = np.linalg.lstsq(normal, weighted.T @ y[:, asked], rcond=None)[0]
    residual, total = w @ (y - x @ beta) ** 2, w @ y**2
    r2 = np.where(total > 0, 1 - residual / np.where(total > 0, total, 1), np.nan)
    as_f32 = (a.astype(np.float32) for a in (beta.T, y_mean - x_mean @ beta, r2))
    return Surrogate(*as_f32)
