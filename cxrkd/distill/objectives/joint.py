"""Joint training: the teacher learns from the labels at the steps at which the student learns from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.hints import hints
from cxrkd.config.objective import OBJECTIVES, WEIGHTS, LookingConfig, Objective, TemperedTerm

if TYPE_CHECKING:
    from cxrkd.distill.joint import JointTeacher
    from cxrkd.models.classifier import Classifier


class JointTerm(TemperedTerm):
    """What is taken from the teacher that learns along."""

    name: Literal["joint"] = Field("joint", title="Objective")
    teacher_rate: float = Field(
        0.1,
        gt=0,
        le=100,
        title="Learning rate of the teacher that learns along",
        description="as a share of the student's; a tenth suits pretrained weights, 1 a random start",
        json_schema_extra=hints(step=0.1),
    )


class JointConfig(JointTerm, LookingConfig):
    """And from the labels."""


def build(term: JointTerm, student: object, teacher: Classifier) -> JointTeacher:
    """A teacher of the student's own, from where the run's teacher began, and the two losses."""
    from cxrkd.distill.joint import JointTeacher

    return JointTeacher(teacher, term.temperature, term.teacher_rate)


OBJECTIVES.register(
    Objective(
        name="joint",
        title="Joint training with the teacher",
        sentence="Cross-entropy on the labels plus the divergence from a teacher that learns the labels meanwhile, "
        "from where the run's teacher began; alpha = 0 is the authors' own, and the run's teacher is compared and not "
        "learned from.",
        source="Umer et al., IEEE TII 2022, doi:10.1109/TII.2022.3153365",
        needs=(WEIGHTS,),
        term=JointTerm,
        config=JointConfig,
        build=build,
    )
)
