"""EigenCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.explain.cam_explainer import cam
from cxrkd.explain.explainer import EXPLAINERS

if TYPE_CHECKING:
    from torch import Tensor


def combine(acts: Tensor, grads: Tensor) -> Tensor:
    """First principal component of the activations, positive where their sum over channels is above its mean.

    One map for all labels; of a label that does not hang on the features, as one that was never taught, it is zero.
    """
    from cxrkd.explain.eigen import first_component

    component = first_component(acts, acts.sum(1))
    asked = (grads != 0).flatten(2).any(-1)
    return component[:, None] * asked[..., None, None]


EXPLAINERS.register(
    cam(
        "eigencam",
        title="EigenCAM",
        sentence="What varies most over the film in the network's features, whatever the label: the same map for all.",
        source="Muhammad & Yeasin, IJCNN 2020, arXiv 2008.00299",
        combine=combine,
    )
)
