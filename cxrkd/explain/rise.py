"""RISE: films seen through random masks, and how much a label's logit rises with what is seen of a place.

Petsiuk et al., BMVC 2018, arXiv 1806.07421: a grid of fair coins, one cell more than asked for along each side, is
drawn up bilinearly and cut to the film at a random place. Their map is the mean of M_i(c) f_i over E[M], which is never
negative for probabilities and brighter everywhere the larger the logit. Here it is freed of that mean and scaled, which
makes it the slope of the logit on the share of a cell that is seen (covariance over variance), in units of the logit:

    map(c) = sum_i (M_i(c) - mean M(c)) (f_i - mean f) / sum_i (M_i(c) - mean M(c))^2

Masks come in pairs, one the complement of the other, so that each place is seen in half of them and main effects are
free of even interactions. A mask is smooth, so a cell's slope holds some of what its neighbours do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cxrkd.explain.altered import AlteredMaps, Answers, Masks, ask
from cxrkd.explain.explainer import Network
from cxrkd.explain.lime_settings import Fill
from cxrkd.explain.segments import filling_whole
from cxrkd.explain.similarity import area_resample
from cxrkd.explain.steps import Steps

CELLS_A_COIN = 2
"""Cells of a map along the side of a cell of the masks; masks are smooth, so more would show nothing more."""


class RandomMasks:
    """The masks of one size of film, the same for every network.

    Args:
        n: how many.
        n_coins: cells of the grid of coins along a side of the film.
        side: S, pixels along a side of the film.
        seed: the same seed gives the same masks.
    """

    def __init__(self, n: int, n_coins: int, side: int, seed: int) -> None:
        drawn, n_pairs, cell = np.random.default_rng(seed), (n + 1) // 2, -(-side // n_coins)
        self._n = n
        self._coins = (drawn.random((n_pairs, n_coins + 1, n_coins + 1)) < 0.5).astype(np.float32)
        self._rows, self._columns = drawn.integers(0, cell, (2, n_pairs))
        # By shift, how much of each coin a pixel gets: bilinear interpolation of cell centres, (cell, S, n_coins + 1).
        at = np.clip((np.arange(cell)[:, None] + np.arange(side) + 0.5) / cell - 0.5, 0, n_coins)
        self._taps = np.maximum(1 - np.abs(at[..., None] - np.arange(n_coins + 1)), 0).astype(np.float32)
        cells = CELLS_A_COIN * n_coins
        self._cell_taps = area_resample(self._taps, (cells, n_coins + 1))

    def draw(self, numbers: np.ndarray) -> np.ndarray:
        """How much of each pixel is seen by masks of these numbers, float32 (b, S, S)."""
        return self._drawn(self._taps, numbers)

    def by_cell(self) -> np.ndarray:
        """What share of each cell of the map is seen by each mask, (n, h, w)."""
        return self._drawn(self._cell_taps, np.arange(self._n))

    def _drawn(self, taps: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        pair, complement = numbers // 2, (numbers % 2 == 1)[:, None, None]
        rows, columns = taps[self._rows[pair]], taps[self._columns[pair]]
        seen = rows @ self._coins[pair] @ columns.swapaxes(1, 2)
        return np.asarray(np.where(complement, 1 - seen, seen))


def slopes(seen: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """How much each logit rises from a cell hidden to a cell seen: covariance over variance, float64 (K, h, w).

    Args:
        seen: share of each cell that each mask shows, (n, h, w).
        logits: (n, K); a column of NaN gives maps of NaN.
    """
    x, y = seen - seen.mean(0), logits.astype(np.float64) - logits.mean(0, dtype=np.float64)
    variance = (x**2).sum(0)
    # A cell that is seen alike by all masks, as in a draw of very few, says nothing.
    return np.asarray(np.einsum("nk,nhw->khw", y, x) / np.where(variance > 0, variance, 1))


def rise(
    networks: Mapping[str, Network],
    film: np.ndarray,
    n_masks: int,
    n_coins: int,
    fill: Fill,
    seed: int,
    steps: Steps,
    key: tuple[Any, ...],
) -> AlteredMaps:
    """Maps of all labels by all networks, which see the same masks; see the module and `altered.ask`.

    Args:
        networks: by name.
        film: float32 (S, S) in [0, 1].
        n_masks: masked films that each network is shown.
        n_coins: cells of the masks along a side.
        fill: what is seen where a mask hides, one of `segments.FILLS`; "mean" is that of the film.
        seed: of the masks.
        steps: how batches are shown.
        key: of the film and these settings.
    """
    masks = RandomMasks(n_masks, n_coins, film.shape[-1], seed)
    filled = filling_whole(film, fill)
    answers = ask(networks, film, filled, dict.fromkeys(networks, Masks(n_masks, masks.draw)), steps, key)
    seen, pair = masks.by_cell(), np.arange(n_masks) // 2

    def mapped(one: Answers, rows: np.ndarray) -> np.ndarray:
        return one.known(slopes(seen[rows], one.altered[rows]))

    return AlteredMaps(
        logits={name: one.film for name, one in answers.items()},
        maps={name: mapped(one, pair >= 0) for name, one in answers.items()},
        made_with={"n_masks": n_masks, "n_coins": n_coins, "fill": fill, "seed": seed},
        halves={name: np.stack([mapped(one, pair % 2 == p) for p in (0, 1)]) for name, one in answers.items()},
    )
