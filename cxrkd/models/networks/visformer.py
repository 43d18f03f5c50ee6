"""Visformer, one of the paper's two transformer teachers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.models.from_timm import hub
from cxrkd.models.network import NETWORKS, Network

if TYPE_CHECKING:
    from cxrkd.models.classifier import Backbone
    from cxrkd.models.pretrained import State


def _visformer(n_labels: int, input_size: int, state: State | None) -> Backbone:
    from cxrkd.models.timm_backbone import VisformerBackbone, create_visformer

    return VisformerBackbone(create_visformer(n_labels, state, input_size))


NETWORKS.register(
    Network(
        name="visformer_small",
        title="Visformer-S",
        sentence="Convolutions in the first stage, attention in the two after it: a teacher of the paper.",
        source="Chen et al., ICCV 2021, arXiv 2104.12533; timm",
        role="teacher",
        make=_visformer,
        multiple=32,
        weights=hub("visformer_small"),
    )
)
