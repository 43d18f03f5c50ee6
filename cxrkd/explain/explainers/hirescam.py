"""HiResCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.errors import ConfigError
from cxrkd.explain.cam_explainer import cam
from cxrkd.explain.explainer import EXPLAINERS

if TYPE_CHECKING:
    from torch import Tensor

_NOISE = 1e-4


def combine(acts: Tensor, grads: Tensor) -> Tensor:
    """Gradient times activation, summed over channels.

    A head that only sees a token through a layer norm does not change with the token's scale, so by Euler's theorem the
    sum is zero there and what is computed is rounding noise: 5e-7 of its terms on ViT, 5e-2 or more on all others.

    Raises:
        ConfigError: it is zero everywhere.
    """
    import torch

    from cxrkd.models.label_maps import hirescam_maps

    maps = hirescam_maps(acts, grads)
    if maps.abs().max() < _NOISE * torch.einsum("bkchw,bchw->bkhw", grads.abs(), acts.abs()).max():
        raise ConfigError("HiResCAM is zero everywhere on this network, which normalises each token: choose Grad-CAM.")
    return maps


EXPLAINERS.register(
    cam(
        "hirescam",
        title="HiResCAM",
        sentence="The same as Grad-CAM where a network ends in a mean pool, as all but ViT do; undefined on ViT.",
        source="Draelos & Carin, arXiv 2011.08891",
        combine=combine,
    )
)
