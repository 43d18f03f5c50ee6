"""Look where the teacher looks: the signed cosine between the two networks' maps of each label."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, Objective, ObjectiveConfig, ObjectiveTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views

_NOTHING = 1e-12  # a norm below which a map has no direction; dividing by it would only make a huge gradient


class CamTerm(ObjectiveTerm):
    """What is taken from the teacher."""

    name: Literal["cam"] = Field("cam", title="Objective")


class CamConfig(CamTerm, ObjectiveConfig):
    """And from the labels."""

    view: Literal["cached", "same"] = Field(
        "same",
        title=ObjectiveConfig.model_fields["view"].title,
        description=ObjectiveConfig.model_fields["view"].description,
    )


def map_distance(maps_s: Tensor, maps_t: Tensor, known: Tensor) -> Tensor:
    """How far the maps of student and teacher point apart; 0-dimensional float32.

        mean ( 1 - cos(E_s, E_t) )      over the labels that count and of which both networks have a map

    Maps are raw and signed: evidence against a label counts as much as evidence for it, and scale does not count at all
    (e2KD's distance, for every label instead of one; without the ReLU of Grad-CAM). The finer grid is averaged down to
    the coarser one.

    Args:
        maps_s: student, float (B, K, h, w).
        maps_t: teacher, float (B, K, H, W); gets no gradient.
        known: bool (B, K), labels that the teacher answers.

    >>> import torch
    >>> maps = torch.tensor([[[[1.0, -1.0]]], [[[1.0, 1.0]]]])
    >>> map_distance(maps, maps * torch.tensor([5.0, -5.0]).view(2, 1, 1, 1), torch.ones(2, 1, dtype=torch.bool))
    tensor(1.)
    """
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    from cxrkd.distill.masked import masked_mean

    grid = min(maps_s.shape[-2], maps_t.shape[-2]), min(maps_s.shape[-1], maps_t.shape[-1])
    flat_s, flat_t = (adaptive_avg_pool2d(maps.float(), grid).flatten(2) for maps in (maps_s, maps_t.detach()))
    sizes = flat_s.norm(dim=2), flat_t.norm(dim=2)
    known = known & (sizes[0] > _NOTHING) & (sizes[1] > _NOTHING) & torch.isfinite(sizes[1])
    # Replaced before they are divided: the gradient of a masked NaN is NaN as well.
    flat_s, flat_t = (torch.where(known.unsqueeze(2), flat, 1.0) for flat in (flat_s, flat_t))
    return masked_mean(1 - torch.cosine_similarity(flat_s, flat_t, dim=2, eps=_NOTHING), known)


def build(term: CamTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], Tensor]:
    """The distance between the maps of labels that the teacher answers, whether or not they are known."""

    def loss(student: Views, teacher: Views, targets: Tensor) -> Tensor:
        assert student.maps is not None  # both were asked for
        assert teacher.maps is not None
        return map_distance(student.maps, teacher.maps, teacher.logits.isfinite())

    return loss


OBJECTIVES.register(
    Objective(
        name="cam",
        title="Label maps: signed cosine",
        sentence="Cross-entropy on the labels plus the angle between the teacher's and the student's map of each "
        "label, so that the student looks where the teacher looks.",
        source="Parchami-Araghi et al., ECCV 2024, arXiv 2402.03119; Guo et al., CVPR 2023, arXiv 2304.12777",
        needs=("maps",),
        term=CamTerm,
        config=CamConfig,
        build=build,
    )
)
