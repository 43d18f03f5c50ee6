"""Do teacher and student look at the same places, over many films? Every film's agreement beside its chance lines.

As `cxrkd.explain.agreement` asks it of one film, with one difference: here the other films are at hand. The lines
*other film* and *label mean* are therefore made of the cohort itself, of films of other patients. A rank correlation of
two maps is the product of their ranks, centred and brought to length one, so that all pairs of N films are one product
of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from cxrkd.explain.chance import QUANTILE, ROUNDING
from cxrkd.explain.similarity import common_grid
from cxrkd.explain.yardsticks import centre_prior

BLOCK = 512
"""Films held against all others at a time: all pairs of a large cohort are more than a memory holds."""
LINES = ("random_student", "other_film", "label_mean", "centre")
"""What an agreement is held against, named as in `cxrkd.explain.chance.LINE_NAMES`."""


@dataclass(frozen=True, eq=False)
class CohortAgreement:
    """Rank correlations of a student's maps with the teacher's, float64 (N, K); NaN where a map is flat.

    Attributes:
        own: of film and label.
        lines: by name of LINES, the mean of what is reached without the film being recognised.
        highs: by the same names, what a single film has to exceed: the 95th percentile of the draws, or the only one.
        other_labels: the teacher's map of the label with the student's maps of the others, mean.
        ceiling: the teacher's map with its own under light noise.
    """

    own: np.ndarray
    lines: Mapping[str, np.ndarray]
    highs: Mapping[str, np.ndarray]
    other_labels: np.ndarray
    ceiling: np.ndarray

    @property
    def above_chance(self) -> np.ndarray:
        """Above every line, float64 (N, K): 1, 0, or NaN where the agreement is not defined."""
        high = np.fmax.reduce([self.highs[name] for name in LINES])
        return np.where(np.isnan(self.own), np.nan, (self.own - high > ROUNDING).astype(float))


def cohort_agreement(
    maps_t: np.ndarray,
    maps_s: np.ndarray,
    patients: np.ndarray,
    *,
    noisy_t: np.ndarray,
    random_s: np.ndarray,
) -> CohortAgreement:
    """Hold every map of a student against the teacher's of the same film and label.

    Args:
        maps_t: the teacher's raw maps (N, K, h, w).
        maps_s: the student's (N, K, h', w'); the finer grid is area-averaged onto the coarser.
        patients: (N,); another film is one of another patient.
        noisy_t: the teacher's maps of the films under light noise, as `maps_t`.
        random_s: maps of a student with freshly drawn weights, as `maps_s`; its labels mean nothing, each is a draw.
    """
    t, s = (_directions(maps) for maps in common_grid(maps_t, maps_s))
    noisy, random = _directions(common_grid(noisy_t, maps_s)[0]), _directions(common_grid(maps_t, random_s)[1])
    whose = np.unique(np.asarray(patients).astype(str), return_inverse=True)[1]
    other, other_high = _other_films(t, s, whose)
    draws = np.einsum("nkc,njc->nkj", t, random)
    grid = common_grid(maps_t, maps_s)[0].shape[-2:]
    centre = t @ _directions(centre_prior((grid[0], grid[1]))[None])[0]
    mean = np.einsum("nkc,nkc->nk", t, _directions(means_of_others(common_grid(maps_t, maps_s)[1], patients)))
    crossed = np.einsum("nkc,njc->nkj", t, s)
    crossed[:, np.arange(t.shape[1]), np.arange(t.shape[1])] = np.nan
    return CohortAgreement(
        own=np.einsum("nkc,nkc->nk", t, s),
        lines={"random_student": _mean(draws), "other_film": other, "label_mean": mean, "centre": centre},
        highs={"random_student": _high(draws), "other_film": other_high, "label_mean": mean, "centre": centre},
        other_labels=_mean(crossed),
        ceiling=np.einsum("nkc,nkc->nk", t, noisy),
    )


def _directions(maps: np.ndarray) -> np.ndarray:
    """Centred ranks (..., c) of maps (..., h, w), of length one: products are rank correlations; NaN of a flat map."""
    flat = maps.reshape(*maps.shape[:-2], -1)
    ranks = rankdata(flat, axis=-1) - (flat.shape[-1] + 1) / 2
    length = np.linalg.norm(ranks, axis=-1, keepdims=True)
    return np.asarray(np.where(length > 0, ranks / np.where(length > 0, length, 1), np.nan))


def _other_films(t: np.ndarray, s: np.ndarray, whose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and 95th percentile (N, K) of the teacher's map with the student's of the label on films of others."""
    means, highs = (np.full(t.shape[:2], np.nan) for _ in range(2))
    for start in range(0, len(t), BLOCK):
        some = slice(start, start + BLOCK)
        same = whose[some, None] == whose[None]
        for k in range(t.shape[1]):
            draws = np.where(same, np.nan, t[some, k] @ s[:, k].T)
            means[some, k], highs[some, k] = _mean(draws), _high(draws)
    return means, highs


def means_of_others(maps: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Mean map (N, K, h, w) of each label over the films of all other patients, each map scaled to a magnitude of 1.

    Args:
        maps: raw and signed (N, K, h, w).
        patients: (N,).
    """
    whose = np.unique(np.asarray(patients).astype(str), return_inverse=True)[1]
    most = np.abs(maps).max(axis=(-2, -1), keepdims=True)
    scaled = np.divide(maps, most, out=np.zeros_like(maps, dtype=np.float64), where=most > 0)
    own = np.zeros((whose.max() + 1, *maps.shape[1:]))
    np.add.at(own, whose, scaled)
    others = np.maximum(len(maps) - np.bincount(whose), 1)
    return np.asarray((scaled.sum(axis=0) - own[whose]) / others[whose, None, None, None])


def _mean(draws: np.ndarray) -> np.ndarray:
    """Over the last axis, of what is defined; NaN where nothing is."""
    known = ~np.isnan(draws)
    n = known.sum(axis=-1)
    return np.asarray(np.where(n > 0, np.where(known, draws, 0).sum(axis=-1) / np.maximum(n, 1), np.nan))


def _high(draws: np.ndarray) -> np.ndarray:
    """The 95th percentile over the last axis as `chance.line` has it, of what is defined; NaN where nothing is."""
    highs = np.full(draws.shape[:-1], np.nan)
    for index in np.ndindex(*highs.shape):
        known = draws[index][~np.isnan(draws[index])]
        if len(known):
            highs[index] = np.quantile(known, QUANTILE, method="higher")
    return highs
