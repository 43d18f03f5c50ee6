"""Binary knowledge distillation: one two-class Kullback-Leibler divergence per label."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, Objective, ObjectiveConfig, TemperedTerm
from cxrkd.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views


class BkdTerm(TemperedTerm):
    """What is taken from the teacher."""

    name: Literal["bkd"] = Field("bkd", title="Objective")
    temperatures: Literal["one", "fitted"] = Field(
        "one",
        title="Temperatures",
        description="one: that one, for all labels; fitted: one for each label, at which the teacher's answers are "
        "calibrated on validation",
    )


class BkdConfig(BkdTerm, ObjectiveConfig):
    """And from the labels."""

    retired: ClassVar[frozenset[str]] = frozenset({"gamma"})


def build(term: BkdTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], Tensor]:
    """The divergence, label by label."""
    from cxrkd.distill.binary_kl import binary_kl

    def loss(student: Views, teacher: Views, targets: Tensor) -> Tensor:
        return binary_kl(student.logits, teacher.logits, _temperature(term, teacher))

    return loss


def _temperature(term: BkdTerm, teacher: Views) -> float | Tensor:
    """The one that is given, or those of the teacher, (K,).

    Raises:
        ConfigError: nobody fitted those of the teacher.
    """
    if term.temperatures == "one":
        return term.temperature
    if teacher.temperatures is None:
        raise ConfigError("bkd with a temperature per label: expected a teacher whose temperatures are fitted.")
    return teacher.temperatures


OBJECTIVES.register(
    Objective(
        name="bkd",
        title="Binary KL per label",
        sentence="Cross-entropy on the labels plus the divergence between the teacher's and the student's answer, "
        "label by label; keeps its gradient where the student is confidently wrong.",
        source="Yang et al., ICCV 2023, arXiv 2308.06453",
        term=BkdTerm,
        config=BkdConfig,
        build=build,
    )
)
