"""XGrad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.explain.cam_explainer import cam
from cxrkd.explain.explainer import EXPLAINERS

if TYPE_CHECKING:
    from torch import Tensor


def combine(acts: Tensor, grads: Tensor) -> Tensor:
    """Gradients averaged with the activations as weights.

    Meant for features that are not negative: it divides by a channel's sum, which for signed ones may be near zero.
    """
    import torch

    weights = torch.einsum("bkchw,bchw->bkc", grads, acts) / (acts.sum((-2, -1)).unsqueeze(1) + 1e-7)
    return torch.einsum("bkc,bchw->bkhw", weights, acts)


EXPLAINERS.register(
    cam(
        "xgradcam",
        title="XGrad-CAM",
        sentence="The same as Grad-CAM where a network ends in a mean pool, as all but ViT do.",
        source="Fu et al., BMVC 2020, arXiv 2008.02312",
        combine=combine,
    )
)
