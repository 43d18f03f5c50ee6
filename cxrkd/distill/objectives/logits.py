"""Logit matching: the student says the teacher's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, Objective, ObjectiveConfig, ObjectiveTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views


class LogitsTerm(ObjectiveTerm):
    """What is taken from the teacher."""

    name: Literal["logits"] = Field("logits", title="Objective")


class LogitsConfig(LogitsTerm, ObjectiveConfig):
    """And from the labels."""


def logit_mse(logits_s: Tensor, logits_t: Tensor) -> Tensor:
    """Squared error between logits; 0-dimensional float32.

        mean (z_s - z_t)^2      over the cells that the teacher answers

    Binary KL at an infinite temperature is an eighth of it, the paper's squared error a sixteenth.

    Args:
        logits_s: student, float (B, K).
        logits_t: teacher, float (B, K); gets no gradient. A NaN cell, no answer, does not count.

    >>> import torch
    >>> logit_mse(torch.tensor([[1.0, 5.0]]), torch.tensor([[-1.0, float("nan")]]))
    tensor(4.)
    """
    from cxrkd.distill.masked import answered, masked_mean

    logits_t, known = answered(logits_t)
    return masked_mean((logits_s.float() - logits_t).square(), known)


def build(term: LogitsTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], Tensor]:
    """Squared error between logits."""
    return lambda student, teacher, targets: logit_mse(student.logits, teacher.logits)


OBJECTIVES.register(
    Objective(
        name="logits",
        title="Logit matching",
        sentence="Cross-entropy on the labels plus the squared distance between the logits of student and teacher, "
        "the limit of binary KL at a high temperature.",
        source="Ba & Caruana, NeurIPS 2014, arXiv 1312.6184",
        term=LogitsTerm,
        config=LogitsConfig,
        build=build,
    )
)
