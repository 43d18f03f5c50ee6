"""LayerCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.explain.cam_explainer import cam
from cxrkd.explain.explainer import EXPLAINERS

if TYPE_CHECKING:
    from torch import Tensor


def combine(acts: Tensor, grads: Tensor) -> Tensor:
    """Positive gradient times activation, cell by cell."""
    from cxrkd.models.label_maps import layercam_maps

    return layercam_maps(acts, grads)


EXPLAINERS.register(
    cam(
        "layercam",
        title="LayerCAM",
        sentence="Only what speaks for the label, cell by cell.",
        source="Jiang et al., IEEE TIP 2021",
        combine=combine,
    )
)
