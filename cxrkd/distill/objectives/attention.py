"""Attention imitation: at several depths, the student's features are strong where the teacher's are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, LookingConfig, Objective, ObjectiveTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.classifier import Classifier
    from cxrkd.models.views import Views


class AttentionTerm(ObjectiveTerm):
    """What is taken from the teacher."""

    name: Literal["attention"] = Field("attention", title="Objective")


class AttentionConfig(AttentionTerm, LookingConfig):
    """And from the labels."""


def attention_distance(stage_s: Tensor, stage_t: Tensor) -> Tensor:
    """How differently two stages attend; 0-dimensional float32, 0 to 2.

        mean over films of || Q_s / |Q_s|  -  Q_t / |Q_t| ||^2,      Q = vec( mean over channels of F^2 )

    Attention transfer (Zagoruyko & Komodakis, ICLR 2017, arXiv 1612.03928) with its squared error summed over cells.
    The attention of the finer grid is averaged down to the coarser one. A film of which a network has no feature left
    does not count.

    Args:
        stage_s: student's features, float (B, C, h, w).
        stage_t: teacher's, float (B, D, H, W); gets no gradient.

    >>> import torch
    >>> left, right = torch.tensor([[[[3.0, 0.0]]]]), torch.tensor([[[[0.0, -1.0]]]])
    >>> attention_distance(left, right), attention_distance(left, -left)
    (tensor(2.), tensor(0.))
    """
    from cxrkd.distill.directions import directions_apart
    from cxrkd.distill.grids import on_one_grid

    energy_s, energy_t = (stage.float().square().mean(1, keepdim=True) for stage in (stage_s, stage_t))
    flat_s, flat_t = (energy.flatten(1) for energy in on_one_grid(energy_s, energy_t))
    return 2 * directions_apart(flat_s, flat_t, flat_t.isfinite().all(1))


def build(
    term: AttentionTerm, student: Classifier, teacher: Classifier
) -> Callable[[Views, Views, Tensor], dict[str, Tensor]]:
    """The distance at each pair of stages, by the name of the student's; pairs begin at the deepest."""
    names = [stage.name for stage in student.stages]

    def loss(student: Views, teacher: Views, targets: Tensor) -> dict[str, Tensor]:
        assert student.stages is not None  # both were asked for
        assert teacher.stages is not None
        depth = min(len(student.stages), len(teacher.stages))
        stages = zip(names[-depth:], student.stages[-depth:], teacher.stages[-depth:], strict=True)
        return {name: attention_distance(stage_s, stage_t) for name, stage_s, stage_t in stages}

    return loss


OBJECTIVES.register(
    Objective(
        name="attention",
        title="Attention of several stages",
        sentence="Cross-entropy on the labels plus the distance between where the features of student and teacher are "
        "strong, at every depth that both have; stands in for MAINet, whose own formula is not public.",
        source="Zagoruyko & Komodakis, ICLR 2017, arXiv 1612.03928; Guo et al., Expert Syst. Appl. 2024, 125406",
        needs=("stages",),
        term=AttentionTerm,
        config=AttentionConfig,
        build=build,
    )
)
