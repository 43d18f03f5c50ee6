"""From probabilities to yes or no: one threshold per label and model, chosen on validation images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from cxrkd.errors import DataError
from cxrkd.evaluate.ranking import counts


@dataclass(frozen=True)
class OperatingPoint:
    """What "positive when probability >= threshold" gets right; NaN where it is undefined."""

    sensitivity: float
    specificity: float
    f1: float


UNDEFINED = OperatingPoint(math.nan, math.nan, math.nan)


FEW = 5
"""Positive validation images below which chance decides a label's threshold, and its AUROC from epoch to epoch."""


def best_thresholds(logits: ArrayLike, targets: ArrayLike, min_positives: int = 1) -> np.ndarray:
    """Probability (K,) per label with the largest TPR - FPR (Youden, Cancer 1950); meant for the validation split.

    Args:
        logits: (N, K).
        targets: (N, K), NaN unknown.
        min_positives: labels with fewer get no threshold.

    Returns:
        float64 (K,). NaN where a label has too few positives, no negative or no answer: nothing is ever above NaN, so
        such a label is never called positive. Among equal maxima the highest threshold wins.

    Raises:
        DataError: the shapes differ.
    """
    probs, truth = expit(np.asarray(logits, dtype=np.float64)), np.asarray(targets, dtype=np.float64)
    if probs.shape != truth.shape or probs.ndim != 2:
        raise DataError(f"expected logits and targets of one shape (images, labels), got {probs.shape}, {truth.shape}")
    known = ~np.isnan(truth)
    cells = zip(probs.T, truth.T, known.T, strict=True)
    return np.array([_youden(p[m], t[m] > 0.5, max(min_positives, 1)) for p, t, m in cells])


def _youden(probs: np.ndarray, positive: np.ndarray, min_positives: int) -> float:
    if positive.all() or positive.sum() < min_positives or np.isnan(probs).any():
        return math.nan
    c = counts(probs, positive)
    best = int(np.argmax(c.tp / c.tp[-1] - c.fp / c.fp[-1]))
    if best + 1 == len(c.cut):
        return float(c.cut[best])
    # Half-way to the next score: an engine that differs in the sixth decimal then calls the same images positive.
    middle = (c.cut[best] + c.cut[best + 1]) / 2
    return float(middle if middle > c.cut[best + 1] else c.cut[best])


def operating_point(probs: np.ndarray, positive: np.ndarray, threshold: float) -> OperatingPoint:
    """Sensitivity, specificity and F1 of probs (n,) and bool (n,) at one threshold."""
    if math.isnan(threshold) or positive.all() or not positive.any():
        return UNDEFINED
    called = probs >= threshold
    tp, fp = int((called & positive).sum()), int((called & ~positive).sum())
    n_pos, n_neg = int(positive.sum()), int((~positive).sum())
    # tp + fn is n_pos, hence 2 tp + fp + fn = tp + fp + n_pos, which is never zero here.
    return OperatingPoint(tp / n_pos, 1 - fp / n_neg, 2 * tp / (tp + fp + n_pos))
