"""Occlusion: a patch goes over the film, and what a label's logit loses when a place is hidden is what it gave.

Zeiler & Fergus, ECCV 2014, arXiv 1311.2901. The map of a cell is the mean over all positions of the patch that cover
it, as captum has it:

    map(c) = mean over patches p that cover c of f(film) - f(film without p)

in units of the logit, positive where hiding speaks against the label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cxrkd.explain.altered import AlteredMaps, Masks, ask
from cxrkd.explain.explainer import Network
from cxrkd.explain.lime_settings import Fill
from cxrkd.explain.segments import filling_whole
from cxrkd.explain.steps import Steps


class Patches:
    """The positions of a patch, row by row.

    Args:
        n_cells: cells of the map along a side; the patch goes from cell to cell.
        patch: cells along a side of the patch.
        side: S, pixels along a side of the film.
    """

    def __init__(self, n_cells: int, patch: int, side: int) -> None:
        self.along = n_cells - patch + 1
        edges = np.round(np.linspace(0, side, n_cells + 1)).astype(int)
        first, cells, pixels = np.arange(self.along)[:, None], np.arange(n_cells), np.arange(side)
        self._pixels = (edges[first] <= pixels) & (pixels < edges[first + patch])
        self._cells = ((first <= cells) & (cells < first + patch)).astype(np.float64)

    def draw(self, numbers: np.ndarray) -> np.ndarray:
        """What is seen beside the patch at these positions: float32 (b, S, S), 0 under it and 1 elsewhere."""
        rows, columns = np.divmod(numbers, self.along)
        return 1 - (self._pixels[rows][:, :, None] & self._pixels[columns][:, None]).astype(np.float32)

    def mean(self, lost: np.ndarray) -> np.ndarray:
        """Mean over the positions that cover a cell, (K, h, w), of what was lost at each position (n, K)."""
        grid = lost.T.reshape(-1, self.along, self.along)
        covered = self._cells.sum(0)
        return np.asarray(self._cells.T @ grid @ self._cells / np.outer(covered, covered))


def occlusion(
    networks: Mapping[str, Network],
    film: np.ndarray,
    n_cells: int,
    patch: int,
    fill: Fill,
    steps: Steps,
    key: tuple[Any, ...],
) -> AlteredMaps:
    """Maps of all labels by all networks; see the module and `altered.ask`.

    Args:
        networks: by name.
        film: float32 (S, S) in [0, 1].
        n_cells: cells of the map along a side.
        patch: cells along a side of the patch.
        fill: what is seen under the patch, one of `segments.FILLS`; "mean" is that of the film.
        steps: how batches are shown.
        key: of the film and these settings.
    """
    patches = Patches(n_cells, patch, film.shape[-1])
    filled = filling_whole(film, fill)
    masks = dict.fromkeys(networks, Masks(patches.along**2, patches.draw))
    answers = ask(networks, film, filled, masks, steps, key)
    return AlteredMaps(
        logits={name: one.film for name, one in answers.items()},
        maps={
            name: one.known(patches.mean(one.film.astype(np.float64) - one.altered)) for name, one in answers.items()
        },
        made_with={"n_cells": n_cells, "patch": patch, "fill": fill},
    )
