"""What a network finds at the specificity of a reader, on the films that the reader read."""

from __future__ import annotations

import numpy as np


def sensitivity_at(scores: np.ndarray, positive: np.ndarray, called: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Sensitivity (B,) of a network where it has the specificity of a reader, in B weighted sets of films.

    It is the height of the ROC curve, its vertices joined by straight lines, above the reader's false positive rate; of
    a vertical piece the upper end, which the network reaches at that rate. Both rates are over the same negatives, so
    counts are compared and not quotients, which would differ in the last digit.

    Args:
        scores: (n,), any order-preserving score.
        positive: bool (n,).
        called: bool (n,), what the reader calls positive.
        times: (B, n), how often each set holds each film, whole numbers.

    Returns:
        float64 (B,), NaN for a set without positives or negatives.
    """
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits, held = positive[order], times[:, order]
    start = np.zeros((len(times), 1))
    tp, fp = (np.hstack([start, np.cumsum(held * side, axis=1)[:, last_of_tie]]) for side in (hits, ~hits))
    wrong = (times * (called & ~positive)).sum(axis=1)
    sets = np.arange(len(times))
    left = (fp <= wrong[:, None]).sum(axis=1) - 1  # the last vertex that is not beyond the reader
    right = np.minimum(left + 1, tp.shape[1] - 1)
    run, rise = fp[sets, right] - fp[sets, left], tp[sets, right] - tp[sets, left]
    along = np.divide(wrong - fp[sets, left], run, out=np.zeros(len(times)), where=run > 0)
    both = (tp[:, -1] > 0) & (fp[:, -1] > 0)
    return np.where(both, (tp[sets, left] + along * rise) / np.maximum(tp[:, -1], 1), np.nan)


def sensitivity_of(called: np.ndarray, positive: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Sensitivity (B,) of a reader in the same sets; NaN for a set without positives."""
    n_pos = (times * positive).sum(axis=1)
    return np.where(n_pos > 0, (times * (called & positive)).sum(axis=1) / np.maximum(n_pos, 1), np.nan)
