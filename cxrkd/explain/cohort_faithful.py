"""Are a network's maps true, over many films? Deletion and insertion, and what is left of maps without the weights.

As `cxrkd.explain.faithful` asks it of one film, with fewer steps, since the mean is over many. A film's mean map of the
label is over films of other patients, and so is what the cascade is held against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrkd.explain.cascade import cascade
from cxrkd.explain.cohort_agreement import means_of_others
from cxrkd.explain.explainer import Explainer, Network
from cxrkd.explain.faithful import (
    DELETION,
    GAIN,
    INSERTION,
    OWN,
    RIVALS,
    Faithfulness,
    faithfulness,
    figure_of,
    n_films,
)
from cxrkd.explain.removal import blurred
from cxrkd.explain.similarity import spearman
from cxrkd.explain.steps import in_turn
from cxrkd.progress import Progress

FIGURES = (DELETION, INSERTION, GAIN)
N_PAIRS, N_STEPS, N_SEEDS = 2, 5, 2
_ONE = "network"


@dataclass(frozen=True, eq=False)
class CohortFaithful:
    """M present findings, and what a network answers while cells go.

    Attributes:
        films: int (M,), which film. labels: int (M,), which label.
        figures: by ranking (OWN and RIVALS; of random ones their mean), by name of FIGURES, float64 (M,) in units of
            the logit; NaN of a flat map.
    """

    films: np.ndarray
    labels: np.ndarray
    figures: Mapping[str, Mapping[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class CohortCascade:
    """What is left of maps of B films as the weights are drawn anew.

    Attributes:
        films: int (B,).
        shares: float64 (D,), share of the layers.
        left: float64 (D, B, K), rank correlation with the original map.
        others: float64 (B, K), of the original map with those of other patients' films, mean.
    """

    films: np.ndarray
    shares: np.ndarray
    left: np.ndarray
    others: np.ndarray


def passes(labels: Sequence[Sequence[int]]) -> int:
    """Films that a network is shown in all, for these labels of as many films."""
    return sum(n_films(N_PAIRS, N_STEPS, len(some)) for some in labels)


def cohort_faithful(
    network: Network,
    film: Callable[[int], np.ndarray],
    maps: np.ndarray,
    patients: np.ndarray,
    chosen: Mapping[int, Sequence[int]],
    progress: Progress | None = None,
) -> CohortFaithful:
    """Put maps of some films to the proof.

    Args:
        network: whose.
        film: number -> float32 (S, S) in [0, 1].
        maps: of all films, raw and signed (N, K, h, w).
        patients: (N,).
        chosen: labels by number of a film.
        progress: called with (films done, all).
    """
    means, cells, proofs = means_of_others(maps, patients), [], []
    for done, (n, labels) in enumerate(chosen.items(), 1):
        pixels = film(n)
        of_labels = faithfulness(
            {_ONE: network},
            pixels,
            {_ONE: maps[n]},
            {_ONE: means[n]},
            labels,
            blurred(pixels),
            in_turn,
            (n,),
            n_pairs=N_PAIRS,
            n_steps=N_STEPS,
        )[_ONE]
        cells += [(n, k) for k in labels]
        proofs += [of_labels[k] for k in labels]
        if progress is not None:
            progress(done, len(chosen))
    at = np.array(cells, np.intp).reshape(-1, 2)
    figures = {
        name: {figure: np.array([_mean(one, name, figure) for one in proofs], np.float64) for figure in FIGURES}
        for name in (OWN, *RIVALS)
    }
    return CohortFaithful(at[:, 0], at[:, 1], figures)


def _mean(proof: Faithfulness, name: str, figure: str) -> float:
    if name == OWN:
        return float("nan") if proof.own is None else figure_of(proof.own, figure)
    return float(np.mean([figure_of(one, figure) for one in proof.rivals[name]]))


def cohort_cascade(
    explainer: Explainer, network: Network, films: np.ndarray, rows: np.ndarray, maps: np.ndarray, patients: np.ndarray
) -> CohortCascade:
    """Draw a network's weights anew and explain some films again.

    Args:
        explainer: whose maps.
        network: itself, not its engine.
        films: float32 (B, S, S) in [0, 1].
        rows: int (B,), their numbers.
        maps: of all films, raw and signed (N, K, h, w).
        patients: (N,).
    """
    fallen = cascade(explainer, network, films, n_seeds=N_SEEDS)
    flat, others = maps.reshape(*maps.shape[:2], -1), np.full((len(rows), maps.shape[1]), np.nan)
    for i, n in enumerate(rows.tolist()):
        alike = spearman(flat[n][None], flat[patients != patients[n]])
        known = ~np.isnan(alike)
        counts = known.sum(axis=0)
        others[i] = np.where(counts > 0, np.where(known, alike, 0).sum(axis=0) / np.maximum(counts, 1), np.nan)
    return CohortCascade(rows, fallen.shares, fallen.left, others)
