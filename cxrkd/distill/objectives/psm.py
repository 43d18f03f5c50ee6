"""Partial softmax: how far each finding that is there stands out from those that are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, Objective, ObjectiveConfig, ObjectiveTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views

_ABSENT = -1e9  # logit of a label that takes no part; minus infinity would have no gradient beside it


class PsmTerm(ObjectiveTerm):
    """What is taken from the teacher."""

    name: Literal["psm"] = Field("psm", title="Objective")


class PsmConfig(PsmTerm, ObjectiveConfig):
    """And from the labels."""


def partial_softmax_kl(logits_s: Tensor, logits_t: Tensor, targets: Tensor) -> Tensor:
    """Divergence between softmaxes over one present finding and all absent ones; 0-dimensional float32.

        mean over present findings p of KL( softmax z_t || softmax z_s )      over {p} and the film's absent findings

    Yang et al. (ICCV 2023, arXiv 2308.06453) add up and divide by films. Findings that are there together do not
    compete; with those that are not, each does. Only labels that are known and that the teacher answers take part.

    Args:
        logits_s: student, float (B, K).
        logits_t: teacher, float (B, K); gets no gradient. NaN where it has no answer.
        targets: (B, K) in [0, 1], NaN where unknown; a finding is there above 0.5.

    >>> import torch
    >>> round(partial_softmax_kl(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0]])).item(), 6)
    0.110944
    """
    import torch

    from cxrkd.distill.masked import answered, masked_mean

    logits_t, known = answered(logits_t)
    present, absent = known & (targets > 0.5), known & (targets <= 0.5)
    own = torch.eye(targets.shape[1], dtype=torch.bool, device=targets.device)
    part = absent.unsqueeze(1) | own  # of film b and finding p, (B, K, K)
    log_s, log_t = (torch.where(part, z.unsqueeze(1), _ABSENT).log_softmax(2) for z in (logits_s.float(), logits_t))
    return masked_mean((log_t.exp() * (log_t - log_s)).sum(2), present)


def build(term: PsmTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], Tensor]:
    """The divergence, finding by finding."""
    return lambda student, teacher, targets: partial_softmax_kl(student.logits, teacher.logits, targets)


OBJECTIVES.register(
    Objective(
        name="psm",
        title="Partial softmax",
        sentence="Cross-entropy on the labels plus the divergence between softmaxes over one present finding and all "
        "absent ones, finding by finding.",
        source="Yang et al., ICCV 2023, arXiv 2308.06453",
        term=PsmTerm,
        config=PsmConfig,
        build=build,
    )
)
