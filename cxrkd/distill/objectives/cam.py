"""Look where the teacher looks: the signed cosine between the two networks' maps of each label."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, LookingConfig, Objective, ObjectiveTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views

FINEST = 64


class CamTerm(ObjectiveTerm):
    """What is taken from the teacher."""

    name: Literal["cam"] = Field("cam", title="Objective")
    map_grid: int = Field(
        FINEST,
        ge=2,
        le=FINEST,
        title="Cells along a side of a map",
        description="at most; 2 compares quarters of the film, as class attention transfer (CAT-KD) does",
    )


class CamConfig(CamTerm, LookingConfig):
    """And from the labels."""


def map_distance(maps_s: Tensor, maps_t: Tensor, known: Tensor, grid: int = FINEST) -> Tensor:
    """How far the maps of student and teacher point apart; 0-dimensional float32.

        mean ( 1 - cos(E_s, E_t) )      over the labels that count and of which both networks have a map

    Maps are raw and signed: evidence against a label counts as much as evidence for it, and scale does not count at all
    (e2KD's distance, for every label instead of one; without the ReLU of Grad-CAM). The finer grid is averaged down to
    the coarser one, and both to `grid` cells along a side. On a grid of 2 it is half the squared distance between
    normalised maps that CAT-KD takes.

    Args:
        maps_s: student, float (B, K, h, w).
        maps_t: teacher, float (B, K, H, W); gets no gradient.
        known: bool (B, K), labels that the teacher answers.
        grid: cells along a side, at most.

    >>> import torch
    >>> maps = torch.tensor([[[[1.0, -1.0]]], [[[1.0, 1.0]]]])
    >>> map_distance(maps, maps * torch.tensor([5.0, -5.0]).view(2, 1, 1, 1), torch.ones(2, 1, dtype=torch.bool))
    tensor(1.0000)
    """
    from cxrkd.distill.directions import directions_apart
    from cxrkd.distill.grids import on_one_grid

    maps_s, maps_t = on_one_grid(maps_s, maps_t, grid)
    return directions_apart(maps_s.flatten(2), maps_t.flatten(2), known)


def build(term: CamTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], Tensor]:
    """The distance between the maps of labels that the teacher answers, whether or not they are known."""

    def loss(student: Views, teacher: Views, targets: Tensor) -> Tensor:
        assert student.maps is not None  # both were asked for
        assert teacher.maps is not None
        return map_distance(student.maps, teacher.maps, teacher.logits.isfinite(), term.map_grid)

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
