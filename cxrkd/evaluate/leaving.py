"""AUROC and rates of a label, with all patients and with each left out, in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cxrkd.evaluate.inputs import Cases
from cxrkd.evaluate.jackknife import Figure, mean_figure


@dataclass(frozen=True)
class Aurocs:
    """AUROC of K labels for R trainings, NaN where a label is not evaluable.

    Attributes:
        values: float64 (K, R).
        without: float64 (K, R, P), with one patient left out.
        weights: float64 (K, P), share of each patient in the label's rarer class.
        steps: float64 (K,), what one image against one other is worth.
        evaluable: bool (K,), the labels that means are over, in every value and leaving out alike.
    """

    values: np.ndarray
    without: np.ndarray
    weights: np.ndarray
    steps: np.ndarray
    evaluable: np.ndarray

    def label(self, k: int) -> Figure:
        """The mean over trainings for one label."""
        return mean_figure(self.values[k], self.without[k], self.weights[k], float(self.steps[k]))

    def macro(self) -> Figure:
        """The mean over the evaluable labels and over trainings; NaN where no label is."""
        kept = self.evaluable if self.evaluable.any() else np.ones_like(self.evaluable)
        values, without, weights = (a[kept].mean(axis=0) for a in (self.values, self.without, self.weights))
        return mean_figure(values, without, weights, float(self.steps[kept].min() / kept.sum()))


def label_aurocs(logits: np.ndarray, cases: Cases, evaluable: np.ndarray) -> Aurocs:
    """AUROC of logits (R, N, K), for the labels of bool (K,)."""
    n_labels, n_seeds, n_patients = len(cases.labels), len(logits), cases.n_patients
    aurocs = Aurocs(
        values=np.full((n_labels, n_seeds), math.nan),
        without=np.full((n_labels, n_seeds, n_patients), math.nan),
        weights=np.full((n_labels, n_patients), math.nan),
        steps=np.full(n_labels, math.nan),
        evaluable=evaluable,
    )
    for k in np.flatnonzero(evaluable).tolist():
        rows, positive = cases.known(k), cases.positive(k)
        who = cases.row_of[rows]
        aurocs.values[k], aurocs.without[k] = auroc_without(logits[:, rows, k], positive, who, n_patients)
        aurocs.weights[k] = rarer_weight(positive, who, n_patients)
        aurocs.steps[k] = 1 / (positive.sum() * (~positive).sum())
    return aurocs


def auroc_without(
    scores: np.ndarray, positive: np.ndarray, who: np.ndarray, n_patients: int
) -> tuple[np.ndarray, np.ndarray]:
    """AUROC (R,) of scores (R, n), and (R, P) with each patient left out; NaN where a class would be empty.

    The pairs that a patient takes along are those of its positives with all negatives and of its negatives with all
    positives; pairs within the patient are in both and are added once.

    Args:
        scores: any order-preserving score.
        positive: bool (n,), both classes present.
        who: int (n,), the patient of each image in 0..P-1.
        n_patients: P.
    """
    n_pos, n_neg = _count(who[positive], n_patients), _count(who[~positive], n_patients)
    pairs = (n_pos.sum() - n_pos) * (n_neg.sum() - n_neg)
    first, second = _pairs_within(positive, who)
    values, without = np.empty(len(scores)), np.empty((len(scores), n_patients))
    for r, score in enumerate(scores):
        won = _wins(score, positive)
        total = won[positive].sum()
        inside = (score[first] > score[second]) + 0.5 * (score[first] == score[second])
        left = total - _count(who, n_patients, won) + _count(who[first], n_patients, inside)
        values[r] = total / (n_pos.sum() * n_neg.sum())
        without[r] = np.divide(left, pairs, out=np.full(n_patients, math.nan), where=pairs > 0)
    return values, without


def _wins(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Pairs (n,) of each image with one of the other class that are in the right order, ties half."""
    neg, pos = np.sort(scores[~positive]), np.sort(scores[positive])
    won = np.empty(len(scores))
    for rows, others in ((positive, neg), (~positive, pos)):
        mine = scores[rows]
        won[rows] = (np.searchsorted(others, mine, "left") + np.searchsorted(others, mine, "right")) / 2
    won[~positive] = len(pos) - won[~positive]
    return won


def _pairs_within(positive: np.ndarray, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the positive and of the negative of every pair within one patient."""
    pos, neg = np.flatnonzero(positive), np.flatnonzero(~positive)
    neg = neg[np.argsort(who[neg], kind="stable")]
    starts, ends = (np.searchsorted(who[neg], who[pos], side) for side in ("left", "right"))
    counts = ends - starts
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(pos, counts), neg[np.repeat(starts, counts) + nth]


def rate_figure(hits: np.ndarray, who: np.ndarray, n_patients: int) -> Figure:
    """The share of hits among images, such as a sensitivity: bool (R, n), the mean over trainings."""
    n = _count(who, n_patients)
    counted = np.stack([_count(who, n_patients, hit.astype(np.float64)) for hit in hits])
    left, rest = counted.sum(axis=1, keepdims=True) - counted, n.sum() - n
    without = np.divide(left, rest, out=np.full(left.shape, math.nan), where=rest > 0)
    return mean_figure(hits.mean(axis=1), without, n / n.sum(), float(1 / n.sum()))


def rarer_weight(positive: np.ndarray, who: np.ndarray, n_patients: int) -> np.ndarray:
    """Share (P,) of each patient in that class which fewer patients carry."""
    shares = [_count(who[rows], n_patients) / rows.sum() for rows in (positive, ~positive)]
    return max(shares, key=lambda share: float(np.sum(share**2)))


def _count(who: np.ndarray, n_patients: int, weights: np.ndarray | None = None) -> np.ndarray:
    return np.bincount(who, weights, minlength=n_patients).astype(np.float64)
