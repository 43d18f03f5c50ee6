"""Class-activation maps as explainers: each says how activations and gradients become a map, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cxrkd.explain.cam_family import Cam, Combine
from cxrkd.explain.explainer import GRADIENTS, GridMaps, Network
from cxrkd.explain.steps import Step, Steps

if TYPE_CHECKING:
    import numpy as np

BATCH = 8
"""Films that go through a network together: the gradients of all labels of one take K times its features."""


def cam(name: str, title: str, sentence: str, source: str, combine: Combine) -> Cam:
    """An explainer of the family."""
    return Cam(
        name=name,
        title=title,
        sentence=sentence,
        source=source,
        needs=(GRADIENTS,),
        explain=partial(_explain, name),
        reference=name,
        combine=combine,
    )


def _explain(
    method: str, networks: Mapping[str, Network], films: np.ndarray, settings: Any, steps: Steps
) -> list[GridMaps]:
    import numpy as np

    starts = range(0, len(films), BATCH)
    results = iter(
        steps(
            [
                Step((method, network.key, start), partial(_maps, network, films[start : start + BATCH], method))
                for network in networks.values()
                for start in starts
            ]
        )
    )
    maps, logits = {}, {}
    for name in networks:
        batches = [next(results) for _ in starts]
        maps[name], logits[name] = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    return [
        GridMaps({m: logits[m][i] for m in networks}, {m: maps[m][i] for m in networks}, key="cam")
        for i in range(len(films))
    ]


def _maps(network: Network, films: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Maps (B, K, h, w) and logits (B, K)."""
    from cxrkd.explain.cam import as_batch, grad_cams

    return grad_cams(network.classifier, as_batch(network.classifier, films), method)
