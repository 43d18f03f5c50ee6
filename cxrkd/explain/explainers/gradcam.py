"""Grad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.explain.cam_explainer import cam
from cxrkd.explain.explainer import EXPLAINERS

if TYPE_CHECKING:
    from torch import Tensor


def combine(acts: Tensor, grads: Tensor) -> Tensor:
    """Channels weighted by their mean gradient."""
    from cxrkd.models.label_maps import gradcam_maps

    return gradcam_maps(acts, grads)


EXPLAINERS.register(
    cam(
        "gradcam",
        title="Grad-CAM",
        sentence="Evidence for the label minus evidence against it, by channel.",
        source="Selvaraju et al., ICCV 2017, arXiv 1610.02391",
        combine=combine,
    )
)
