"""Grad-CAM++."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.explain.cam_explainer import cam
from cxrkd.explain.explainer import EXPLAINERS

if TYPE_CHECKING:
    from torch import Tensor


def combine(acts: Tensor, grads: Tensor) -> Tensor:
    """Positive gradients weighted by equation 19 of the paper."""
    import torch

    squared = grads**2
    total = acts.sum((-2, -1), keepdim=True).unsqueeze(1)
    alpha = squared / (2 * squared + total * squared * grads + 1e-6)
    weights = (grads.clamp(min=0) * torch.where(grads != 0, alpha, 0)).sum((-2, -1))
    return torch.einsum("bkc,bchw->bkhw", weights, acts)


EXPLAINERS.register(
    cam(
        "gradcam++",
        title="Grad-CAM++",
        sentence="Only channels that speak for the label, each weighted by how local its evidence is.",
        source="Chattopadhay et al., WACV 2018, arXiv 1710.11063",
        combine=combine,
    )
)
