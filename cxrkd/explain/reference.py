"""What a network's maps look like on films other than the one that is explained.

A map that only follows anatomy ("the lungs", "the heart for cardiomegaly") is alike on every film, and so agrees with
another network's map of any film. Two kinds of maps measure how far that goes: those of single other films, and mean
maps of a label, which show what the network paints for a label whatever the film. A run keeps them for its
validation films, so that an upload can be held against them where no other film is at hand.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.errors import ConfigError
from cxrkd.explain.cam_family import cams
from cxrkd.explain.explainer import EXPLAINERS, Explainer, Network
from cxrkd.explain.similarity import unit_maps
from cxrkd.explain.steps import in_turn
from cxrkd.explain.yardsticks import Reference

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

MAX_FILMS = 96
MIN_FILMS = 24  # below, the 95th percentile of single films is not known
N_OTHER, N_MEANS = 24, 12
STRONG = 0.95
_BATCH = 8


def references(model: Classifier, films: np.ndarray) -> dict[str, Reference]:
    """What `Reference` holds, by each explainer that keeps maps of its own and is defined on the network.

    Args:
        model: in eval mode.
        films: uint8 (N, S, S), MIN_FILMS or more in no order that matters; the first MAX_FILMS are used.

    Raises:
        ValueError: fewer than MIN_FILMS films.
    """
    if len(films) < MIN_FILMS:
        raise ValueError(f"expected at least {MIN_FILMS} films, got {len(films)}")
    batches = [
        _maps(model, films[i : min(i + _BATCH, MAX_FILMS)]) for i in range(0, min(len(films), MAX_FILMS), _BATCH)
    ]
    return {method: _of_maps(np.concatenate([batch[method] for batch in batches])) for method in batches[0]}


def evenly(n: int) -> np.ndarray:
    """Up to MAX_FILMS of n rows, spread evenly over them."""
    return np.unique(np.linspace(0, n - 1, min(n, MAX_FILMS)).astype(int)) if n else np.empty(0, int)


def _maps(model: Classifier, films: np.ndarray) -> dict[str, np.ndarray]:
    """Maps (B, K, h, w) by explainer; the class-activation maps come from one pass."""
    from cxrkd.explain.cam import as_batch, grad_cams_by_method

    grey = films.astype(np.float32) / 255
    maps = grad_cams_by_method(model, as_batch(model, grey))
    for name, explainer in EXPLAINERS.items():
        if explainer.reference == name and name not in cams():
            with suppress(ConfigError):  # undefined on this network
                maps[name] = _own_maps(explainer, model, grey)
    return maps


def _own_maps(explainer: Explainer, model: Classifier, films: np.ndarray) -> np.ndarray:
    settings = explainer.config() if explainer.config else None
    explained = explainer.explain({"network": Network(model)}, films, settings, in_turn)
    return np.stack([[one.heat("network", k) for k in range(len(model.labels))] for one in explained])


def _of_maps(maps: np.ndarray) -> Reference:
    """From raw maps (N, K, h, w)."""
    single = np.linspace(0, len(maps) - 1, N_OTHER).astype(int)
    means = np.stack([maps[group::N_MEANS].mean(axis=0) for group in range(N_MEANS)])
    largest = np.maximum(maps, 0).max(axis=(-2, -1))
    strong = np.quantile(largest, STRONG, axis=0).astype(np.float32)
    other_films, label_means = (unit_maps(some).astype(np.float32) for some in (maps[single], means))
    return Reference(other_films, label_means, strong)
