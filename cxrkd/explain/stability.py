"""Would other masks give the same ranking? What one run of LIME says of a second one with another seed.

Blocks of masks are independent draws. Weights from some of them are held against weights from as many others, and their
rank correlation is stepped up to the length of the whole run, as Spearman and Brown (1910) do it, with one change. For
values the odds r / (1 - r) of a correlation grow with the number of samples; for ranks of LIME's weights they grow
slower, since most superpixels weigh next to nothing and their order settles last:

    r_n / (1 - r_n) = n^g r_1 / (1 - r_1),    g = 0.7 (Spearman and Brown: g = 1)

The exponent was measured, see `RANK_GAIN`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cxrkd.explain.similarity import spearman

RANK_GAIN = 0.7
"""How the odds of a rank correlation of LIME's weights grow with the samples.

Measured on three sample films with teacher and distilled student of the shipped NIH run, about 40 and about 60
superpixels, 160 to 480 samples: what one run expects differs from what a second one with another seed gives by .02 at
most in the mean over labels, and by less than .01 on average; with g = 1 it would be .03 too high."""
_SPLITS = 24


@dataclass(frozen=True)
class Stability:
    """How far LIME of some labels is.

    Attributes:
        reached: rank correlation that weights from as many other masks are expected to have with these, of the model
            and label where it is lowest; NaN as long as there is one block only, and where no weight differs.
        target: what is enough.
        n: images shown to each model.
        most: that may be shown.
        over: enough, or no more may be shown.
    """

    reached: float
    target: float
    n: int
    most: int
    over: bool

    @property
    def enough(self) -> bool:
        """Whether the target is reached; nothing that differs has no order that could change."""
        return self.over and not self.reached < self.target

    def to_dict(self) -> dict[str, Any]:
        """Figures and the sentence, for JSON."""
        return asdict(self) | {"enough": self.enough, "sentence": self.sentence()}

    def sentence(self) -> str:
        """What is known, in words."""
        shown = f"{self.n:,} altered films per model"
        if np.isnan(self.reached):
            return f"{shown}: no weight differs from the others." if self.over else f"{shown}: a first look."
        repeats = f"other masks would repeat this ranking with a rank correlation of {floored(self.reached)}"
        if self.enough:
            return f"Stable: after {shown}, {repeats} (asked for: {self.target:.2f})."
        if not self.over:
            return f"After {shown}, {repeats}; asked for: {self.target:.2f}."
        return (
            f"Not stable: after {shown}, of at most {self.most:,}, {repeats}; asked for: {self.target:.2f}. "
            "Allow more altered films, or fewer, larger superpixels."
        )


def floored(value: float) -> str:
    """Two digits, never rounded up to a target that was missed."""
    return f"{np.floor(value * 100 + 1e-9) / 100:.2f}"


def lengthened(r: np.ndarray, times: float) -> np.ndarray:
    """Rank correlations of runs that are so many times as long; below 0 they are no repetition and count as 0."""
    r = np.maximum(r, 0)
    more = times**RANK_GAIN
    return np.asarray(more * r / (1 + (more - 1) * r))


def repeats(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Expected rank correlation (K,) of weights from these blocks with weights from as many others.

    Args:
        blocks: weights (K, S) from each.

    Returns:
        NaN of labels whose weights are equal or missing, and where there is one block only.
    """
    weights, n_half = np.stack(blocks), len(blocks) // 2
    if not n_half:
        return np.full(weights.shape[1], np.nan)
    held = [spearman(*(weights[list(half)].mean(0) for half in halves)) for halves in _splits(len(blocks))]
    return lengthened(np.mean(held, axis=0), len(blocks) / n_half)


def _splits(n: int) -> set[tuple[tuple[int, ...], ...]]:
    """Two disjoint halves of n numbers, in a few ways, none twice."""
    draw, half = np.random.default_rng(0), n // 2
    orders = [draw.permutation(n).tolist() for _ in range(_SPLITS)]
    return {tuple(sorted((tuple(sorted(o[:half])), tuple(sorted(o[half : 2 * half]))))) for o in orders}
