"""EigenGradCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.explain.cam_explainer import cam
from cxrkd.explain.explainer import EXPLAINERS

if TYPE_CHECKING:
    from torch import Tensor


def combine(acts: Tensor, grads: Tensor) -> Tensor:
    """First principal component of gradient times activation, positive where Grad-CAM is above its mean.

    A label and its negation so have opposite maps. Film by film, since the products of all labels take K times the
    features in float64.
    """
    import torch

    from cxrkd.explain.eigen import first_component
    from cxrkd.models.label_maps import gradcam_maps

    guides = gradcam_maps(acts, grads)
    return torch.stack([first_component(a * g, guide) for a, g, guide in zip(acts, grads, guides, strict=True)])


EXPLAINERS.register(
    cam(
        "eigengradcam",
        title="EigenGradCAM",
        sentence="What varies most over the film in the evidence for the label: EigenCAM of gradient times activation.",
        source="pytorch-grad-cam, after Muhammad & Yeasin, arXiv 2008.00299",
        combine=combine,
    )
)
