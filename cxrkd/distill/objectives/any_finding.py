"""A second task: whether there is any finding, as the teacher says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, Objective, ObjectiveConfig, TemperedTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.classifier import Classifier
    from cxrkd.models.views import Views


class AnyFindingTerm(TemperedTerm):
    """What is taken from the teacher."""

    name: Literal["any_finding"] = Field("any_finding", title="Objective")


class AnyFindingConfig(AnyFindingTerm, ObjectiveConfig):
    """And from the labels."""


def build(term: AnyFindingTerm, student: Classifier, teacher: object) -> Callable[[Views, Views, Tensor], Tensor]:
    """The divergence between what both say of any finding."""
    from cxrkd.distill.any_finding import any_finding

    labels = student.labels
    return lambda student, teacher, targets: any_finding(student.logits, teacher.logits, term.temperature, labels)


OBJECTIVES.register(
    Objective(
        name="any_finding",
        title="Any finding at all",
        sentence="Cross-entropy on the labels plus the divergence between the teacher's and the student's answer to "
        "whether there is any finding, made of all labels without a head of its own; meant to go along with another.",
        source="Akhter et al., ISBI 2024, arXiv 2405.13370, whose second task has a head",
        term=AnyFindingTerm,
        config=AnyFindingConfig,
        build=build,
    )
)
