"""Max-sensitivity: how much a map changes, at most, when the film changes by what nobody would see.

Yeh et al., NeurIPS 2019, arXiv 1901.09392: the largest || map(film + noise) - map(film) || / || map(film) || over draws
of noise from a box around the film. Low is good, but a map that never changes is low too: beside it stands how much the
maps of other films differ, measured alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cxrkd.explain.baselines import maps_of
from cxrkd.explain.explainer import Explainer, Network
from cxrkd.explain.similarity import area_resample, unit_maps
from cxrkd.explain.steps import Step, Steps

N_DRAWS, RADIUS = 10, 0.02
"""Draws, and half the side of the box on [0, 1]: captum's defaults, and five grey levels of 255."""


def perturbed(film: np.ndarray, n: int = N_DRAWS, radius: float = RADIUS, seed: int = 0) -> np.ndarray:
    """Copies float32 (n, S, S) of a film, drawn evenly from the box around it and cut to [0, 1]."""
    noise = np.random.default_rng(seed).uniform(-radius, radius, (n, *film.shape))
    return np.clip(film + noise, 0, 1).astype(np.float32)


def largest_change(heats: np.ndarray, others: np.ndarray) -> np.ndarray:
    """By label (K,), the largest distance of maps (n, K, h, w) from a map (K, h, w), in lengths of it.

    NaN where the map is zero everywhere, or where there are no others.
    """
    if not len(others):
        return np.full(len(heats), np.nan)
    length = np.linalg.norm(heats.astype(np.float64), axis=(-2, -1))
    change = np.linalg.norm(others - heats.astype(np.float64), axis=(-2, -1)).max(axis=0)
    return np.asarray(np.where(length > 0, change / np.where(length > 0, length, 1), np.nan))


def max_sensitivity(
    explainer: Explainer, network: Network, film: np.ndarray, settings: Any, steps: Steps
) -> np.ndarray:
    """Of all labels (K,): the film and N_DRAWS copies are explained.

    Args:
        explainer: whose maps.
        network: which is explained.
        film: float32 (S, S) in [0, 1].
        settings: of the explainer.
        steps: how the passes are run.
    """

    def measured() -> np.ndarray:
        maps = maps_of(explainer, network, np.concatenate([film[None], perturbed(film)]), settings)
        return largest_change(maps[0], maps[1:])

    (result,) = steps([Step(("sensitivity", explainer.name, settings, network.key), measured)])
    return np.asarray(result)


def change_to_others(heats: np.ndarray, others: np.ndarray) -> np.ndarray:
    """By label (K,), how far maps of other films (m, K, h', w') are from a map (K, h, w): the median, in its lengths.

    All are scaled to a largest magnitude of 1 first, as a run keeps those of other films; NaN where the map is zero.
    """
    scaled = unit_maps(area_resample(heats, (others.shape[-2], others.shape[-1])))
    lengths = np.linalg.norm(scaled, axis=(-2, -1))
    apart = np.median(np.linalg.norm(unit_maps(others) - scaled, axis=(-2, -1)), axis=0)
    return np.asarray(np.where(lengths > 0, apart / np.where(lengths > 0, lengths, 1), np.nan))
