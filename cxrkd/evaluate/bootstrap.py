"""Intervals by resampling patients, so that several images of one patient do not count as independent.

A draw takes as many patients as there are, with replacement, and each brings all of its images; the interval is the
percentile interval of the statistic over the draws (Efron and Tibshirani 1993, chapter 13). A draw is kept as "how
often is each patient in it", and a weighted AUROC equals the AUROC of the repeated rows, so nothing is ever copied.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cxrkd.evaluate.inputs import Cases

# Draws handled at once: (images, CHUNK) float32 then stays near the size of a processor cache.
CHUNK = 128


@dataclass(frozen=True)
class Draws:
    """B resamples of the patients.

    Attributes:
        row_of: int (N,), the patient of each image as a row of `times`.
        times: float32 (P, B), how often each draw holds each patient; columns sum to P.
    """

    row_of: np.ndarray
    times: np.ndarray

    def __len__(self) -> int:
        """Number of draws B."""
        return self.times.shape[1]

    def chunks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Weights float32 (len(rows), <= CHUNK) of the images in `rows`, draw after draw."""
        for start in range(0, len(self), CHUNK):
            yield self.times[self.row_of[rows], start : start + CHUNK]


def draw_patients(patients: np.ndarray, n_boot: int, seed: int) -> Draws:
    """`n_boot` draws of the distinct patients (N,); the order of the images does not matter."""
    names, row_of = np.unique(np.asarray(patients).astype(str), return_inverse=True)
    n = len(names)
    drawn = np.random.default_rng(seed).integers(0, max(n, 1), size=(n, n_boot))
    flat = np.bincount((drawn * n_boot + np.arange(n_boot)).ravel(), minlength=n * n_boot)
    return Draws(row_of, flat.reshape(n, n_boot).astype(np.float32))


def auroc_draws(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUROC (B,) of scores (n,) and bool (n,) under weights (n, B); NaN in draws that hold one class only.

    Sorting once serves every draw: the weight of the negatives below each positive is a running sum over rows. Whole
    weights are summed exactly in float32 up to 2^24 images.
    """
    negatives = np.flatnonzero(~positive)
    negatives = negatives[np.argsort(scores[negatives], kind="stable")]
    scores_neg, scores_pos, weights_pos = scores[negatives], scores[positive], weights[positive]
    below = np.zeros((len(scores_neg) + 1, weights.shape[1]), dtype=np.float32)
    np.cumsum(weights[negatives], axis=0, out=below[1:])
    left = below[np.searchsorted(scores_neg, scores_pos, "left")]
    right = below[np.searchsorted(scores_neg, scores_pos, "right")]
    wins = np.einsum("nb,nb->b", weights_pos, left + right, dtype=np.float64) / 2
    pairs = weights_pos.sum(axis=0, dtype=np.float64) * below[-1]
    return np.divide(wins, pairs, out=np.full(len(pairs), math.nan), where=pairs > 0)


def label_draws(logits: np.ndarray, cases: Cases, draws: Draws, evaluable: np.ndarray) -> np.ndarray:
    """AUROC float64 (K, B), the mean over seeds of logits (R, N, K) within each draw; NaN where not evaluable."""
    out = np.full((len(cases.labels), len(draws)), math.nan)
    for k in np.flatnonzero(evaluable).tolist():
        rows, positive = cases.known(k), cases.positive(k)
        parts = [
            np.mean([auroc_draws(scores, positive, weights) for scores in logits[:, rows, k]], axis=0)
            for weights in draws.chunks(rows)
        ]
        out[k] = np.concatenate(parts) if parts else []
    return out


def macro(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of (K, ...), leaving NaN out; NaN where nothing is left."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(np.shape(total), math.nan), where=count > 0)


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of draws (B,), undefined draws left out; NaN when none is defined."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return math.nan, math.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
