"""Figures that depend on the order of the scores alone: AUROC and average precision, ties counted half."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """What is called positive as the cut falls through the distinct scores, highest first.

    Attributes:
        cut: float64 (D,) distinct scores, descending.
        tp: float64 (D,) positives scored `>= cut`.
        fp: float64 (D,) negatives scored `>= cut`.
    """

    cut: np.ndarray
    tp: np.ndarray
    fp: np.ndarray


def counts(scores: np.ndarray, positive: np.ndarray) -> Counts:
    """Cumulative counts of scores (n,) and bool (n,), one entry a distinct score."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], positive[order]
    last_of_tie = np.append(sorted_scores[1:] != sorted_scores[:-1], True)[: len(scores)]
    tp, fp = np.cumsum(hits)[last_of_tie], np.cumsum(~hits)[last_of_tie]
    return Counts(sorted_scores[last_of_tie], tp.astype(np.float64), fp.astype(np.float64))


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """P(score of a positive > score of a negative) + half of the ties; NaN when one class is empty.

    Mann-Whitney: AUROC = U / (n_pos n_neg) (Hanley and McNeil, Radiology 1982).

    >>> auroc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
    0.875
    """
    scores_neg = np.sort(scores[~positive])
    scores_pos = scores[positive]
    if not len(scores_neg) or not len(scores_pos):
        return math.nan
    below = np.searchsorted(scores_neg, scores_pos, "left")
    up_to = np.searchsorted(scores_neg, scores_pos, "right")
    return float((below + up_to).sum() / 2 / (len(scores_neg) * len(scores_pos)))


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Precision averaged over the steps of recall, without interpolation; NaN when there is no positive.

    AP = sum_i (R_i - R_{i-1}) P_i over distinct scores, which is scikit-learn's definition.
    """
    if not positive.any():
        return math.nan
    c = counts(scores, positive)
    precision = c.tp / (c.tp + c.fp)
    return float(np.sum(np.diff(c.tp, prepend=0.0) * precision) / c.tp[-1])
