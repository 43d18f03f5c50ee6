"""How alike two maps of one image are, on the coarser of their two native grids.

Up-sampled maps are never compared: a 7 x 7 map has 49 degrees of freedom however many pixels it is drawn with. So SSIM
has a window of three in seven cells. The seven that libraries start with are the whole of such a map, over which SSIM
is a correlation again; three are the least that has a structure, and leave 25 places to a mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.stats import rankdata

TOP = 0.2
"""Share of the cells that counts as hottest, 0.1 or 0.2 by custom."""


@dataclass(frozen=True)
class Similarity:
    """Figures for one pair of maps; NaN where a map is constant and has no ranks, direction or peak.

    Attributes:
        spearman: rank correlation of all cells, -1 to 1.
        cosine: of the raw signed maps, -1 to 1.
        ssim: structural similarity, at most 1; see `ssim`.
        topk_iou: intersection over union of the hottest cells, 0 to 1.
        centre_distance: between the centres of mass of the positive evidence, in % of the image's diagonal.
        peak_distance: between the two maxima, likewise.
    """

    spearman: float
    cosine: float
    ssim: float
    topk_iou: float
    centre_distance: float
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


def topk_iou(a: np.ndarray, b: np.ndarray, share: float = TOP) -> np.ndarray:
    """Intersection over union of the hottest `share` of entries on the last axis; NaN where a side is constant."""
    top_a, top_b = top_cells(a, share), top_cells(b, share)
    iou = (top_a & top_b).sum(-1) / (top_a | top_b).sum(-1)
    return np.where((np.ptp(a, axis=-1) > 0) & (np.ptp(b, axis=-1) > 0), iou, np.nan)


def unit_maps(maps: np.ndarray) -> np.ndarray:
    """Maps (..., h, w) with a largest magnitude of 1; one that is zero everywhere stays so."""
    largest = np.abs(maps).max(axis=(-2, -1), keepdims=True)
    return np.asarray(maps / np.where(largest > 0, largest, 1))


def known_mean(values: np.ndarray) -> float:
    """Mean of what is defined, NaN if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _window(shape: tuple[int, ...]) -> int:
    """Cells along a side of SSIM's window: three in seven, odd, three at least."""
    return max(3, 2 * (3 * min(shape) // 14) + 1)


def ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean structural similarity (n,) of maps (n, h, w), each over its own largest magnitude.

        S = (2 m_a m_b + C1) (2 s_ab + C2) / ((m_a^2 + m_b^2 + C1) (s_a^2 + s_b^2 + C2)),  C1 = .02^2, C2 = .06^2

    with means, variances and the covariance (n - 1) of a uniform window, averaged over all places where the window is
    inside (Wang et al., IEEE TIP 2004; as scikit-image has it, for a range from -1 to 1). Units of two networks have
    nothing in common, so that raw maps would be compared by their loudness.

    Returns:
        NaN where a map is constant, or below three cells along a side.
    """
    size = _window(a.shape[1:])
    if min(a.shape[1:]) < size:
        return np.full(len(a), np.nan)
    known = _varies(a) & _varies(b)
    a, b = unit_maps(a.astype(np.float64)), unit_maps(b.astype(np.float64))
    inside = (slice(None), *[slice(size // 2, n - size // 2) for n in a.shape[1:]])

    def mean(x: np.ndarray) -> np.ndarray:
        return np.asarray(uniform_filter(x, (1, size, size))[inside])

    mean_a, mean_b, unbiased = mean(a), mean(b), size**2 / (size**2 - 1)
    var_a, var_b, covariance = (
        unbiased * (mean(x * y) - mx * my)
        for x, y, mx, my in ((a, a, mean_a, mean_a), (b, b, mean_b, mean_b), (a, b, mean_a, mean_b))
    )
    c1, c2 = 0.02**2, 0.06**2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    local = above / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return np.where(known, local.mean(axis=(1, 2)), np.nan)


def _varies(maps: np.ndarray) -> np.ndarray:
    """Of each map (n, h, w)."""
    return np.asarray(np.ptp(maps, axis=(1, 2)) > 0)


def _cell_centres(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Centres (h, 1) and (1, w) of cells, as a share of height and width."""
    return ((np.arange(shape[0]) + 0.5) / shape[0])[:, None], ((np.arange(shape[1]) + 0.5) / shape[1])[None]


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of points (n, 2) given as shares of height and width, in % of the diagonal of a square image."""
    return np.asarray(np.linalg.norm(a - b, axis=-1) / np.sqrt(2) * 100)


def _mass_centre(maps: np.ndarray) -> np.ndarray:
    """Centre of mass (n, 2) of the positive evidence of (n, h, w); NaN where there is none."""
    positive = np.maximum(maps, 0, dtype=np.float64)
    mass = positive.sum(axis=(1, 2))
    moments = np.stack([(positive * at).sum(axis=(1, 2)) for at in _cell_centres(maps.shape[1:])], axis=-1)
    return np.where(mass[:, None] > 0, moments / np.where(mass > 0, mass, 1)[:, None], np.nan)


def centre_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distance (n,) of the centres of mass of the positive evidence of (n, h, w), in % of the diagonal.

    Mass that is spread has its centre near the middle whatever it means, so that unrelated maps are not far apart: the
    figure says little without its chance lines. NaN where a map has nothing positive or is constant.
    """
    return np.where(_varies(a) & _varies(b), _distance(_mass_centre(a), _mass_centre(b)), np.nan)


def _peak(maps: np.ndarray) -> np.ndarray:
    """Centre (n, 2) of the hottest cell of (n, h, w), as a share of height and width."""
    rows, columns = np.unravel_index(maps.reshape(len(maps), maps.shape[1] * maps.shape[2]).argmax(1), maps.shape[1:])
    return np.stack([(rows + 0.5) / maps.shape[1], (columns + 0.5) / maps.shape[2]], axis=-1)


def peak_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distance (n,) of the maxima of maps (n, h, w), in % of the diagonal of a square image; NaN if one is constant."""
    return np.where(_varies(a) & _varies(b), _distance(_peak(a), _peak(b)), np.nan)


@dataclass(frozen=True)
class Measure:
    """A figure of how alike two maps are.

    Attributes:
        title: for a table.
        of: two stacks (n, h, w) on one grid -> (n,).
        less: whether maps that are alike have less of it, as distances are.
    """

    title: str
    of: Callable[[np.ndarray, np.ndarray], np.ndarray]
    less: bool = False


def _flat(of: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A figure of vectors, for maps."""
    return lambda a, b: of(*(maps.reshape(len(maps), maps.shape[1] * maps.shape[2]) for maps in (a, b)))


RANKS = Measure("Rank correlation (Spearman)", _flat(spearman))
MEASURES: Mapping[str, Measure] = {
    "cosine": Measure("Cosine of the raw maps", _flat(cosine)),
    "ssim": Measure("Structural similarity (SSIM)", ssim),
    "topk_iou": Measure("Overlap (IoU) of the hottest 20 % of cells", _flat(topk_iou)),
    "centre_distance": Measure("Distance of the centres of mass, % of the diagonal", centre_distance, less=True),
    "peak_distance": Measure("Distance of the maxima, % of the diagonal", peak_distance, less=True),
}
"""What is measured of two maps beside their rank correlation, by name."""


def similarity(a: np.ndarray, b: np.ndarray) -> Similarity:
    """Compare two raw signed maps (h, w) and (h', w') of one square image."""
    a, b = common_grid(a[None], b[None])
    figures = {name: float(measure.of(a, b)[0]) for name, measure in MEASURES.items()}
    return Similarity(spearman=float(RANKS.of(a, b)[0]), **figures)
