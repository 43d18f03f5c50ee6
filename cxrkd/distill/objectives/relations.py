"""Relational distillation: the films of a batch lie to one another as they lie in the teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.hints import hints
from cxrkd.config.objective import OBJECTIVES, LookingConfig, Objective, ObjectiveTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views

MOST = 64  # films whose angles are taken together: triplets grow with the third power


class RelationsTerm(ObjectiveTerm):
    """What is taken from the teacher."""

    name: Literal["relations"] = Field("relations", title="Objective")
    angle_weight: float = Field(
        2.0,
        ge=0,
        le=1000,
        title="Weight of angles",
        description="beside distances, within the term",
        json_schema_extra=hints(step=0.5),
    )


class RelationsConfig(RelationsTerm, LookingConfig):
    """And from the labels."""


def distance_loss(points_s: Tensor, points_t: Tensor) -> Tensor:
    """RKD-D: Huber loss between distances relative to their mean; see `distances_apart`, of one group.

    Args:
        points_s: student, float (B, C).
        points_t: teacher, float (B, D); gets no gradient. A film whose embedding is no number does not count.
    """
    from cxrkd.distill.distances import distances_apart

    return distances_apart(points_s[None], points_t[None], points_t.isfinite().all(1)[None])


def angle_loss(points_s: Tensor, points_t: Tensor) -> Tensor:
    """RKD-A: Huber loss between the angles of triplets; 0-dimensional float32, 0 where no three points differ.

        mean over triplets of Huber( cos s_ijk, cos t_ijk ),      cos ijk at the corner j

    Park et al. (CVPR 2019, arXiv 1904.05068), a mean over triplets of different points. Batches are taken apart into
    runs of 64 films, in the order in which they were drawn.

    Args:
        points_s: student, float (B, C).
        points_t: teacher, float (B, D); gets no gradient. A film whose embedding is no number does not count.

    >>> import torch
    >>> right, flat = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0], [1.0], [2.0]])
    >>> round(angle_loss(flat, right).item(), 4)  # cosines -1, 1, 1 and their mirror images instead of 0, 0.71, 0.71
    0.5833
    """
    import torch
    from torch.nn.functional import smooth_l1_loss

    from cxrkd.distill.masked import masked_mean

    kept = points_t.isfinite().all(1)
    runs = zip(points_s.float()[kept].split(MOST), points_t.detach().float()[kept].split(MOST), strict=True)
    cells, known = [], []
    for run_s, run_t in runs:
        (cosines_s, told_s), (cosines_t, told_t) = _angles(run_s), _angles(run_t)
        cells.append(smooth_l1_loss(cosines_s, cosines_t, reduction="none").flatten())
        known.append((told_s & told_t).flatten())
    return masked_mean(torch.cat(cells), torch.cat(known))


def _angles(points: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines (N, N, N) of the angles at the first point between the two others, and which of them are real."""
    import torch

    from cxrkd.distill.masked import NOTHING

    arms = points - points[:, None]  # [j, i] from j to i
    lengths = arms.norm(dim=2)
    real = ~(lengths <= NOTHING)  # a NaN stays one
    units = arms / torch.where(real, lengths, 1.0)[..., None]
    others = ~torch.eye(len(points), dtype=torch.bool, device=points.device)
    return units @ units.mT, real[:, :, None] & real[:, None] & others


def build(term: RelationsTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], dict[str, Tensor]]:
    """Both, with their weights within the term."""

    def loss(student: Views, teacher: Views, targets: Tensor) -> dict[str, Tensor]:
        assert student.embeddings is not None  # both were asked for
        assert teacher.embeddings is not None
        points = student.embeddings, teacher.embeddings
        return {"distance": distance_loss(*points), "angle": term.angle_weight * angle_loss(*points)}

    return loss


OBJECTIVES.register(
    Objective(
        name="relations",
        title="Relations between films",
        sentence="Cross-entropy on the labels plus how differently the films of a batch lie to one another in the "
        "embeddings of student and teacher, by distances and by angles.",
        source="Park et al., CVPR 2019, arXiv 1904.05068",
        needs=("embeddings",),
        term=RelationsTerm,
        config=RelationsConfig,
        build=build,
    )
)
