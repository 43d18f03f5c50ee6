"""How alike two maps of one image are, on the coarser of their two native grids.

Up-sampled maps are never compared: a 7 x 7 map has 49 degrees of freedom however many pixels it is drawn with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata


@dataclass(frozen=True)
class Similarity:
    """Figures for one pair of maps; NaN where a map is constant and has no ranks, direction or peak.

    Attributes:
        spearman: rank correlation of all cells, -1 to 1.
        cosine: of the raw signed maps, -1 to 1.
        topk_iou: intersection over union of the hottest cells, 0 to 1.
        peak_distance: between the two maxima, in % of the image's diagonal.
    """

    spearman: float
    cosine: float
    topk_iou: float
    peak_distance: float


def _overlap(n_in: int, n_out: int) -> np.ndarray:
    """Share (n_out, n_in) of each output cell that each input cell covers; rows sum to one."""
    edges_out = np.linspace(0, n_in, n_out + 1)
    left = np.maximum(edges_out[:-1, None], np.arange(n_in)[None])
    right = np.minimum(edges_out[1:, None], np.arange(1, n_in + 1)[None])
    return np.maximum(right - left, 0) * n_out / n_in


def area_resample(maps: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Exact area mean of maps (..., h, w) on a grid of `shape`; 14 x 14 to 7 x 7 is the mean of 2 x 2 cells."""
    if maps.shape[-2:] == shape:
        return maps.astype(np.float64)
    rows, columns = _overlap(maps.shape[-2], shape[0]), _overlap(maps.shape[-1], shape[1])
    return rows @ maps.astype(np.float64) @ columns.T


def common_grid(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both stacks of maps (..., h, w) on the coarser of the two grids, by area mean."""
    shape = (min(a.shape[-2], b.shape[-2]), min(a.shape[-1], b.shape[-1]))
    return area_resample(a, shape), area_resample(b, shape)


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation along the last axis, ties ranked by their mean; NaN where a side is constant.

    >>> round(float(spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 15.0]))), 6)
    0.5
    """
    ranks_a, ranks_b = rankdata(a, axis=-1), rankdata(b, axis=-1)
    # The mean rank of n values is (n + 1) / 2 whatever the ties.
    ranks_a, ranks_b = ranks_a - (a.shape[-1] + 1) / 2, ranks_b - (b.shape[-1] + 1) / 2
    return cosine(ranks_a, ranks_b)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of the angle between vectors on the last axis; NaN where one has no length."""
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.where(lengths > 0, (a * b).sum(-1) / np.where(lengths > 0, lengths, 1), np.nan)


def top_cells(a: np.ndarray, share: float) -> np.ndarray:
    """Bool, same shape: the hottest `share` of the entries on the last axis, at least one; ties go to the first."""
    n = max(1, round(share * a.shape[-1]))
    hottest = np.argsort(-a, axis=-1, kind="stable")[..., :n]
    marked = np.zeros(a.shape, dtype=bool)
    np.put_along_axis(marked, hottest, True, axis=-1)
    return marked


def topk_iou(a: np.ndarray, b: np.ndarray, share: float = 0.2) -> np.ndarray:
    """Intersection over union of the hottest `share` of entries on the last axis; NaN where a side is constant."""
    top_a, top_b = top_cells(a, share), top_cells(b, share)
    iou = (top_a & top_b).sum(-1) / (top_a | top_b).sum(-1)
    return np.where((np.ptp(a, axis=-1) > 0) & (np.ptp(b, axis=-1) > 0), iou, np.nan)


def _peak(a: np.ndarray) -> np.ndarray:
    """Centre (y, x) of the hottest cell of (h, w), as a share of height and width."""
    row, column = np.unravel_index(np.argmax(a), a.shape)
    return np.array([(row + 0.5) / a.shape[0], (column + 0.5) / a.shape[1]])


def peak_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of the maxima of two maps, in % of the diagonal of a square image; NaN if one is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.linalg.norm(_peak(a) - _peak(b)) / np.sqrt(2) * 100)


def similarity(a: np.ndarray, b: np.ndarray, top: float = 0.2) -> Similarity:
    """Compare two raw signed maps (h, w) and (h', w') of one square image, `top` being the share of hottest cells."""
    a, b = common_grid(a, b)
    flat_a, flat_b = a.reshape(-1), b.reshape(-1)
    return Similarity(
        spearman=float(spearman(flat_a, flat_b)),
        cosine=float(cosine(flat_a, flat_b)),
        topk_iou=float(topk_iou(flat_a, flat_b, top)),
        peak_distance=peak_distance(a, b),
    )
