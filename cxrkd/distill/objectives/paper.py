"""The paper's objective: focal cross-entropy on labels, temperature-scaled squared error on probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, Balance, Objective, ObjectiveConfig, TemperedTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views


class PaperTerm(TemperedTerm):
    """What is taken from the teacher."""

    name: Literal["paper"] = Field("paper", title="Objective")


class PaperConfig(PaperTerm, ObjectiveConfig):
    """And from the labels."""

    balance: Balance = Field(
        "focal",
        title=ObjectiveConfig.model_fields["balance"].title,
        description=ObjectiveConfig.model_fields["balance"].description,
    )


def build(term: PaperTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], Tensor]:
    """Squared error between softened probabilities."""
    from cxrkd.distill.paper_mse import paper_mse

    return lambda student, teacher, targets: paper_mse(student.logits, teacher.logits, term.temperature)


OBJECTIVES.register(
    Objective(
        name="paper",
        title="Paper: focal BCE + squared error",
        sentence="Focal cross-entropy on the labels plus the squared distance between the softened probabilities "
        "of student and teacher; fades where the student is saturated and wrong.",
        source="Termritthikun et al., IEEE/ACM TCBB 2023, arXiv 2305.06244",
        term=PaperTerm,
        config=PaperConfig,
        build=build,
    )
)
