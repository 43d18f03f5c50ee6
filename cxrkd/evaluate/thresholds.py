"""From probabilities to yes or no: one threshold per label and model, chosen on validation images."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from cxrkd.errors import DataError
from cxrkd.evaluate.inputs import Cases, as_cases
from cxrkd.evaluate.ranking import counts

MIN_THRESHOLD_PATIENTS = 15
"""Positive validation patients below which chance decides where a threshold comes to lie: the label is not judged."""

# Draws of the bootstrap, and how many of them are handled at once: (images, CHUNK) then stays in the processor's cache.
N_BOOT, CHUNK = 500, 100


def best_thresholds(
    logits: ArrayLike, targets: ArrayLike, patients: ArrayLike, min_patients: int = MIN_THRESHOLD_PATIENTS
) -> np.ndarray:
    """Probability (K,) per label with the largest TPR - FPR (Youden, Cancer 1950); meant for the validation split.

    Args:
        logits: (N, K).
        targets: (N, K), NaN unknown.
        patients: (N,).
        min_patients: labels with fewer positive patients get no threshold.

    Returns:
        float64 (K,). NaN where a label has too few positive patients, no negative or no answer: nothing is ever above
        NaN, so such a label is never called positive. Among equal maxima the highest threshold wins.

    Raises:
        DataError: the shapes differ.
    """
    probs, cases = _checked(logits, targets, patients)
    enough = cases.evaluable(min_patients)
    return np.array(
        [_youden(probs[cases.known(k), k], cases.positive(k)) if enough[k] else math.nan for k in range(len(enough))]
    )


def threshold_intervals(
    logits: ArrayLike,
    targets: ArrayLike,
    patients: ArrayLike,
    min_patients: int = MIN_THRESHOLD_PATIENTS,
    n_boot: int = N_BOOT,
    seed: int = 0,
) -> np.ndarray:
    """How far other patients would have moved each threshold: 95 % interval (K, 2), NaN where there is none.

    The percentile interval over `n_boot` draws of the patients with replacement (Efron and Tibshirani 1993, chapter
    13): leaving out one patient at a time says nothing about a maximum, which jumps. Arguments as `best_thresholds`.

    Raises:
        DataError: the shapes differ.
    """
    probs, cases = _checked(logits, targets, patients)
    times = draw_patients(cases.n_patients, n_boot, seed)
    bounds = np.full((probs.shape[1], 2), math.nan)
    for k in np.flatnonzero(cases.evaluable(min_patients) & ~np.isnan(probs).any(axis=0)).tolist():
        rows = cases.known(k)
        chunks = (times[cases.row_of[rows], start : start + CHUNK] for start in range(0, n_boot, CHUNK))
        drawn = np.concatenate([_youden_draws(probs[rows, k], cases.positive(k), chunk) for chunk in chunks])
        bounds[k] = np.nanquantile(drawn, (0.025, 0.975))
    return bounds


def _checked(logits: ArrayLike, targets: ArrayLike, patients: ArrayLike) -> tuple[np.ndarray, Cases]:
    probs, truth = expit(np.asarray(logits, dtype=np.float64)), np.asarray(targets, dtype=np.float64)
    if probs.shape != truth.shape or probs.ndim != 2:
        raise DataError(f"expected logits and targets of one shape (images, labels), got {probs.shape}, {truth.shape}")
    return probs, as_cases(truth, patients, [str(k) for k in range(truth.shape[1])])


def _youden(probs: np.ndarray, positive: np.ndarray) -> float:
    if np.isnan(probs).any():
        return math.nan
    c = counts(probs, positive)
    best = int(np.argmax(c.tp / c.tp[-1] - c.fp / c.fp[-1]))
    if best + 1 == len(c.cut):
        return float(c.cut[best])
    # Half-way to the next score: an engine that differs in the sixth decimal then calls the same images positive.
    middle = (c.cut[best] + c.cut[best + 1]) / 2
    return float(middle if middle > c.cut[best + 1] else c.cut[best])


def draw_patients(n_patients: int, n_boot: int, seed: int) -> np.ndarray:
    """How often each draw holds each patient, int (P, B); columns sum to P."""
    drawn = np.random.default_rng(seed).integers(0, max(n_patients, 1), size=(n_patients, n_boot))
    flat = np.bincount((drawn * n_boot + np.arange(n_boot)).ravel(), minlength=n_patients * n_boot)
    return flat.reshape(n_patients, n_boot)


def _youden_draws(probs: np.ndarray, positive: np.ndarray, times: np.ndarray) -> np.ndarray:
    """What `_youden` finds in draws that hold image i `times[i]` times, int (n, B) -> (B,); NaN without one class.

    Sorting once serves every draw: counts at each score are running sums over rows.
    """
    order = np.argsort(-probs, kind="stable")
    cut, hits, held = probs[order], positive[order, None], times[order]
    last_of_tie = np.append(cut[1:] != cut[:-1], True)
    tp, fp = (np.cumsum(held * side, axis=0)[last_of_tie] for side in (hits, ~hits))
    cut, distinct = cut[last_of_tie], np.diff(tp + fp, axis=0, prepend=0) > 0
    both = (tp[-1] > 0) & (fp[-1] > 0)
    gain = np.where(distinct, tp / np.maximum(tp[-1], 1) - fp / np.maximum(fp[-1], 1), -np.inf)
    best = np.argmax(gain, axis=0)
    below = np.arange(len(cut))[:, None] > best
    following = np.where((distinct & below).any(axis=0), np.argmax(distinct & below, axis=0), best)
    middle = (cut[best] + cut[following]) / 2
    return np.where(both, np.where(middle > cut[following], middle, cut[best]), math.nan)


def f1_score(probs: np.ndarray, positive: np.ndarray, threshold: float) -> float:
    """F1 of "positive when probability >= threshold", of probs (n,) and bool (n,); NaN without a threshold."""
    if math.isnan(threshold) or not positive.any():
        return math.nan
    called = probs >= threshold
    # 2 tp + fp + fn is the number called and the number positive, which is not zero here.
    return float(2 * (called & positive).sum() / (called.sum() + positive.sum()))
