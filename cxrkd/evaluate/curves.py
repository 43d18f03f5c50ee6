"""ROC and precision-recall curves, thinned for plotting without changing the area under them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxrkd.errors import DataError
from cxrkd.evaluate.ranking import Counts, auroc, average_precision, counts
from cxrkd.evaluate.record import Record

MAX_POINTS = 200


@dataclass(frozen=True)
class RocCurve(Record):
    """Vertices from (0, 0) to (1, 1), to be joined by straight lines; ties are diagonals.

    `auroc` is the exact area. Without a positive, a negative or an answer the vertices are empty and `auroc` is NaN.
    """

    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    auroc: float


@dataclass(frozen=True)
class PrCurve(Record):
    """Vertices of the precision-recall staircase from recall 0 to 1, to be joined by straight lines.

    The steps are drawn out (flat to the left of each precision), because a straight line between two operating points
    promises precision that no threshold reaches (Davis and Goadrich, ICML 2006). `ap` is the exact area, `prevalence`
    the precision of guessing. Without a positive the vertices are empty and `ap` is NaN.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    ap: float
    prevalence: float


def roc_curve(logits: ArrayLike, targets: ArrayLike, max_points: int = MAX_POINTS) -> RocCurve:
    """ROC curve of one label: logits (N,) and targets (N,), NaN targets left out.

    Raises:
        DataError: the shapes differ or a known case has a NaN logit.
    """
    scores, positive = _known(logits, targets)
    if positive.all() or not positive.any():
        return RocCurve((), (), math.nan)
    c = counts(scores, positive)
    fpr, tpr = np.append(0.0, c.fp / c.fp[-1]), np.append(0.0, c.tp / c.tp[-1])
    keep = thin(fpr, tpr, max_points)
    return RocCurve(tuple(fpr[keep].tolist()), tuple(tpr[keep].tolist()), auroc(scores, positive))


def pr_curve(logits: ArrayLike, targets: ArrayLike, max_points: int = MAX_POINTS) -> PrCurve:
    """Precision-recall curve of one label: logits (N,) and targets (N,), NaN targets left out.

    Raises:
        DataError: the shapes differ or a known case has a NaN logit.
    """
    scores, positive = _known(logits, targets)
    prevalence = float(positive.mean()) if len(positive) else math.nan
    if not positive.any():
        return PrCurve((), (), math.nan, prevalence)
    recall, precision = _staircase(counts(scores, positive))
    keep = thin(recall, precision, max_points)
    ap = average_precision(scores, positive)
    return PrCurve(tuple(recall[keep].tolist()), tuple(precision[keep].tolist()), ap, prevalence)


def _known(logits: ArrayLike, targets: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    scores, truth = np.asarray(logits, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if scores.shape != truth.shape or scores.ndim != 1:
        raise DataError(f"expected logits and targets of one shape (images,), got {scores.shape} and {truth.shape}")
    known = ~np.isnan(truth)
    if np.isnan(scores).all():  # a label that the model was never taught
        return np.empty(0), np.empty(0, bool)
    if not np.isfinite(scores[known]).all():
        raise DataError(
            "logits contain NaN or infinity: the training diverged; lower its learning rate and train again"
        )
    return scores[known], truth[known] > 0.5


def _staircase(c: Counts) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision (2 D,) at both ends of the flat piece that each gain of recall adds to the area."""
    gain = np.diff(c.tp, prepend=0.0) > 0
    recall, precision = c.tp[gain] / c.tp[-1], c.tp[gain] / (c.tp[gain] + c.fp[gain])
    return np.stack([np.append(0.0, recall[:-1]), recall], 1).ravel(), np.repeat(precision, 2)


def thin(x: np.ndarray, y: np.ndarray, max_points: int = MAX_POINTS) -> np.ndarray:
    """Indices of at most `max_points` vertices of a polyline that keep its ends and its area.

    Vertices are taken at equal steps of |dx| + |dy|. Taking the nearest one each time could pick, say, only the lower
    corners of a staircase, so each step offers a few neighbours and takes the one that leaves the smallest error of
    area so far.
    """
    turns = np.flatnonzero(_bends(x, y))
    if len(turns) <= max_points:
        return turns
    px, py = x[turns], y[turns]
    along = np.append(0.0, np.cumsum(np.abs(np.diff(px)) + np.abs(np.diff(py))))
    area = np.append(0.0, np.cumsum(np.diff(px) * (py[1:] + py[:-1]) / 2))
    kept, error = [0], 0.0
    for goal in np.linspace(0.0, along[-1], max_points)[1:-1]:
        near = int(np.searchsorted(along, goal))
        offered = np.arange(max(kept[-1] + 1, near - 1), min(near + 2, len(px) - 1))
        if not len(offered):
            continue
        last = kept[-1]
        chord = (px[offered] - px[last]) * (py[offered] + py[last]) / 2
        errors = error + chord - (area[offered] - area[last])
        best = int(np.argmin(np.abs(errors)))
        kept.append(int(offered[best]))
        error = float(errors[best])
    return turns[[*kept, len(px) - 1]]


def _bends(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bool (n,): the ends, and the vertices where an axis-parallel run turns; the others change nothing."""
    level_x, level_y = np.diff(x) == 0, np.diff(y) == 0
    inside = (level_x[1:] & level_x[:-1]) | (level_y[1:] & level_y[:-1])
    return np.concatenate([[True], ~inside, [True]])
