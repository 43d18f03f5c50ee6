"""Self-distillation: the student's own best checkpoints, averaged, teach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.hints import hints
from cxrkd.config.objective import OBJECTIVES, Objective, ObjectiveConfig, TemperedTerm

if TYPE_CHECKING:
    from cxrkd.distill.own_average import OwnAverage
    from cxrkd.models.classifier import Classifier


class SelfTerm(TemperedTerm):
    """What is taken from the average."""

    name: Literal["self"] = Field("self", title="Objective")
    temperature: float = Field(
        1.0,
        gt=0,
        le=100,
        title=TemperedTerm.model_fields["temperature"].title,
        description=TemperedTerm.model_fields["temperature"].description,
        json_schema_extra=hints(step=0.5),
    )


class SelfConfig(SelfTerm, ObjectiveConfig):
    """And from the labels."""


def build(term: SelfTerm, student: Classifier, teacher: object) -> OwnAverage:
    """The divergence, and the average that it is taken from."""
    from cxrkd.distill.own_average import OwnAverage

    return OwnAverage(student, term.temperature)


OBJECTIVES.register(
    Objective(
        name="self",
        title="Itself: average of its best checkpoints",
        sentence="Cross-entropy on the labels plus the divergence from the average of the student's own best epochs; "
        "the run's teacher is compared and not learned from.",
        source="Termritthikun et al., EAAI 136 (2024), arXiv 2407.20062",
        term=SelfTerm,
        config=SelfConfig,
        build=build,
    )
)
