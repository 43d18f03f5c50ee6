"""Do maps hang on what the network has learned? Its weights are drawn anew, from the head downwards.

Adebayo et al., NeurIPS 2018, arXiv 1810.03292: an edge detector looks like an explanation and knows nothing of the
network; its map stays when the weights go. At each depth the map is compared with the original by rank correlation. As
in Arun et al. (Radiology: AI 2021) it has to fall to what two films have in common.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cxrkd.explain.baselines import MakeTwin, Twins, maps_of
from cxrkd.explain.explainer import Explainer, Network
from cxrkd.explain.similarity import common_grid, spearman
from cxrkd.explain.steps import Step, Steps, in_turn

if TYPE_CHECKING:
    from torch import nn

    from cxrkd.models.classifier import Classifier

V = TypeVar("V")
N_BLOCKS, N_SEEDS = 6, 3
DEPTHS = ("last layer", *(f"{block / (N_BLOCKS - 1):.0%}" for block in range(1, N_BLOCKS - 1)), "all")
"""What is drawn anew, in the order of a table's columns: the last layer alone, then shares of all layers."""


def blocks(model: nn.Module, n: int = N_BLOCKS) -> list[list[str]]:
    """Names of the modules that hold weights, in n blocks from the head downwards.

    The first is the last layer alone, the others are as many layers each. Layers count in the order in which the
    network registers them, which is that of the way through it. Networks that answer together are taken down side by
    side.
    """
    layers = [_layers(model, prefix) for prefix in _parts(model)]
    ends = np.linspace(0, 1, n)  # share of the layers below the head that are in the first i blocks
    chosen: list[list[str]] = [[names[0] for names in layers]]
    for above, below in pairwise(ends):
        rows = ((names[1:], len(names) - 1) for names in layers)
        chosen.append([name for rest, count in rows for name in rest[round(above * count) : round(below * count)]])
    return [block for block in chosen if block]


def at_depths(shares: Sequence[float], values: Sequence[V]) -> dict[str, V]:
    """Values at shares of the layers by the nearest of DEPTHS: networks of any depth then stand in one table.

    >>> at_depths([0.014, 0.21, 1.0], "abc")
    {'last layer': 'a', '20%': 'b', 'all': 'c'}
    """
    nearest = [0, *(round(share * (N_BLOCKS - 1)) for share in shares[1:])]
    return {DEPTHS[block]: value for block, value in zip(nearest, values, strict=True)}


def _parts(model: nn.Module) -> list[str]:
    from cxrkd.models.ensemble import Ensemble

    joined = [(name, module) for name, module in model.named_modules() if isinstance(module, Ensemble)]
    return [f"{name}.parts.{i}." for name, module in joined for i in range(len(module.parts))] or [""]


def _layers(model: nn.Module, prefix: str) -> list[str]:
    """Modules with weights of their own whose name begins so, the last first."""
    named = model.named_modules()
    own = [name for name, module in named if name.startswith(prefix) and list(module.parameters(recurse=False))]
    return own[::-1]


def redrawn(model: Classifier, twin: Classifier, names: Sequence[str]) -> Classifier:
    """A copy of a network whose modules of these names have the weights and statistics of its random twin."""
    import torch

    copied = copy.deepcopy(model)
    with torch.no_grad():
        for name in names:
            mine, drawn = copied.get_submodule(name), twin.get_submodule(name)
            for kind in ("parameters", "buffers"):
                pairs = zip(getattr(mine, kind)(recurse=False), getattr(drawn, kind)(recurse=False), strict=True)
                for own, new in pairs:
                    own.copy_(new)
    return copied


@dataclass(frozen=True, eq=False)
class Cascade:
    """What is left of maps as weights are drawn anew.

    Attributes:
        shares: float64 (D,), share of the layers that are drawn anew, from the last layer alone to all.
        left: float64 (D, B, K), rank correlation with the original map, mean over seeds; NaN where a map is flat.
    """

    shares: np.ndarray
    left: np.ndarray


def cascade(
    explainer: Explainer,
    network: Network,
    films: np.ndarray,
    settings: Any = None,
    *,
    n_blocks: int = N_BLOCKS,
    n_seeds: int = N_SEEDS,
    steps: Steps = in_turn,
    twin: MakeTwin | None = None,
) -> Cascade:
    """Explain films by a network and by n_blocks * n_seeds networks with ever fewer of its weights.

    Args:
        explainer: whose maps.
        network: asked itself, not by its engine.
        films: float32 (B, S, S) in [0, 1].
        settings: of the explainer.
        n_blocks: depths.
        n_seeds: draws of the weights.
        steps: how the networks are asked.
        twin: makes random networks; drawn here, one after the other, if not given.
    """
    model, twin = network.classifier, twin or Twins(1)
    down = blocks(model, n_blocks)
    names = [[name for block in down[: depth + 1] for name in block] for depth in range(len(down))]
    key = ("cascade", explainer.name, settings, network.key)

    def asked(drawn: Callable[[], Classifier]) -> Callable[[], np.ndarray]:
        return lambda: maps_of(explainer, Network(drawn()), films, settings)

    def at(depth: int, seed: int) -> Callable[[], Classifier]:
        return lambda: redrawn(model, twin(model, seed), names[depth])

    places = [(depth, seed) for seed in range(n_seeds) for depth in range(len(down))]
    first, *rest = steps(
        [Step(key, asked(lambda: model)), *(Step((*key, *place), asked(at(*place))) for place in places)]
    )
    left = np.stack([_alike(first, maps) for maps in rest]).reshape(n_seeds, len(down), *first.shape[:2])
    counts = np.array([len(block) for block in down])
    return Cascade(np.cumsum(counts) / counts.sum(), _mean_over_seeds(left))


def _alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rank correlation (B, K) of maps (B, K, h, w)."""
    one, other = common_grid(a, b)
    return spearman(one.reshape(*one.shape[:2], -1), other.reshape(*other.shape[:2], -1))


def _mean_over_seeds(left: np.ndarray) -> np.ndarray:
    known = ~np.isnan(left)
    n = known.sum(axis=0)
    return np.asarray(np.where(n > 0, np.where(known, left, 0).sum(axis=0) / np.maximum(n, 1), np.nan))
