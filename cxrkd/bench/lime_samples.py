"""How many of `lime`'s samples make a ranking repeat as well as ours does: two seeds each, by the same fast engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cxrkd.explain.segments import compose, filling
from cxrkd.explain.similarity import spearman
from cxrkd.explain.surrogate import proximity, weighted_ridge

Predict = Callable[[np.ndarray], np.ndarray]
Weights = Mapping[str, np.ndarray]
AT_MOST = 8
"""Times our samples; beyond that the search ends, and the ratio is one that is at least reached."""
_STEPS = 8
_BATCH = 8


def agreement(first: Weights, second: Weights) -> float:
    """Mean rank correlation of two seeds' weights (K, S), over labels and models."""
    return float(np.nanmean([spearman(first[name], second[name]) for name in first]))


class Coins:
    """LIME with independent fair coins, as `lime` draws them; regression and kernel are equal (see its tests).

    Args:
        predicts: images -> logits.
        pixels: float32 (H, W).
        segments: int32 (H, W).
        seed: of the coins.
    """

    def __init__(self, predicts: Mapping[str, Predict], pixels: np.ndarray, segments: np.ndarray, seed: int) -> None:
        self._predicts, self._pixels, self._segments = predicts, pixels, segments
        self._filled = filling(pixels, segments, "blur")
        self._draw = np.random.default_rng((seed, 1))
        self._masks = np.ones((1, int(segments.max()) + 1), dtype=bool)
        self._logits = self._ask(self._masks)

    def weights(self, n: int) -> Weights:
        """Of the first n samples; asks for those that are missing."""
        missing = n - len(self._masks)
        if missing > 0:
            masks = self._draw.random((missing, self._masks.shape[1])) < 0.5
            fresh = self._ask(masks)
            self._masks = np.concatenate([self._masks, masks])
            self._logits = {name: np.concatenate([known, fresh[name]]) for name, known in self._logits.items()}
        masks = self._masks[:n]
        return {name: weighted_ridge(masks, z[:n], proximity(masks)).weights for name, z in self._logits.items()}

    def _ask(self, masks: np.ndarray) -> dict[str, np.ndarray]:
        batches = [masks[i : i + _BATCH] for i in range(0, len(masks), _BATCH)]
        images = [compose(self._pixels, self._filled, self._segments, batch) for batch in batches]
        return {name: np.concatenate([ask(batch) for batch in images]) for name, ask in self._predicts.items()}


def samples_for(goal: float, coins: Sequence[Coins], n: int) -> tuple[int, float]:
    """The fewest samples with which two draws of coins agree at least that well, and how well they do.

    Args:
        goal: mean rank correlation.
        coins: two draws.
        n: our samples; counts are tried in eighths of it, up to `AT_MOST` times it.
    """
    first, second = coins
    tried, reached = n, 0.0
    for step in range(_STEPS // 2, _STEPS * AT_MOST + 1):
        tried = n * step // _STEPS
        reached = agreement(first.weights(tried), second.weights(tried))
        if reached >= goal:
            break
    return tried, reached
