"""Feature hint: the student's last features, projected, are the teacher's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, LookingConfig, Objective, ObjectiveTerm

if TYPE_CHECKING:
    from cxrkd.distill.projection import Projected
    from cxrkd.models.classifier import Classifier


class HintTerm(ObjectiveTerm):
    """What is taken from the teacher."""

    name: Literal["hint"] = Field("hint", title="Objective")


class HintConfig(HintTerm, LookingConfig):
    """And from the labels."""


def build(term: HintTerm, student: Classifier, teacher: Classifier) -> Projected:
    """The projection, from the student's channels to the teacher's, and how far from them it ends."""
    from cxrkd.distill.projection import Projected

    return Projected(student.stages[-1].channels, teacher.stages[-1].channels)


OBJECTIVES.register(
    Objective(
        name="hint",
        title="Feature hint",
        sentence="Cross-entropy on the labels plus the squared distance of the student's last features, through a "
        "learned projection, to the teacher's.",
        source="Romero et al., ICLR 2015, arXiv 1412.6550",
        needs=("stages",),
        term=HintTerm,
        config=HintConfig,
        build=build,
    )
)
