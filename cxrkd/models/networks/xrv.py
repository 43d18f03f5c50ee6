"""Networks of TorchXRayVision: grey ones, with weights that know findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cxrkd.models.from_timm import grey
from cxrkd.models.network import NETWORKS, Network

if TYPE_CHECKING:
    from cxrkd.models.pretrained import Source

_SOURCE = "Cohen et al., MIDL 2022, arXiv 2111.00595"


def _densenet() -> Mapping[str, Source]:
    from cxrkd.models.pretrained import DENSENET121

    return DENSENET121


def _resnet() -> Mapping[str, Source]:
    from cxrkd.models.pretrained import RESNET50

    return RESNET50


NETWORKS.register(
    Network(
        name="xrv_densenet121",
        title="TorchXRayVision DenseNet121",
        sentence="DenseNet121 on one grey channel, with weights that were trained on chest films.",
        source=_SOURCE,
        role="teacher",
        make=grey("densenet121"),
        weights=_densenet,
    )
)
NETWORKS.register(
    Network(
        name="xrv_resnet50",
        title="TorchXRayVision ResNet50",
        sentence="ResNet50 on one grey channel, with weights that were trained on chest films of 512 pixels.",
        source=_SOURCE,
        role="teacher",
        make=grey("resnet50"),
        weights=_resnet,
    )
)
