"""Binary knowledge distillation: one two-class Kullback-Leibler divergence per label."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, Objective, ObjectiveConfig, TemperedTerm
from cxrkd.distill.from_labels import cross_entropy

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views


class BkdTerm(TemperedTerm):
    """What is taken from the teacher."""

    name: Literal["bkd"] = Field("bkd", title="Objective")


class BkdConfig(BkdTerm, ObjectiveConfig):
    """And from the labels."""

    retired: ClassVar[frozenset[str]] = frozenset({"gamma"})


def build(term: BkdTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], Tensor]:
    """The divergence, label by label."""
    from cxrkd.distill.binary_kl import binary_kl

    return lambda student, teacher, targets: binary_kl(student.logits, teacher.logits, term.temperature)


OBJECTIVES.register(
    Objective(
        name="bkd",
        title="Binary KL per label",
        sentence="Cross-entropy on the labels plus the divergence between the teacher's and the student's answer, "
        "label by label; keeps its gradient where the student is confidently wrong.",
        source="Yang et al., ICCV 2023, arXiv 2308.06453",
        term=BkdTerm,
        config=BkdConfig,
        task=cross_entropy,
        build=build,
    )
)
