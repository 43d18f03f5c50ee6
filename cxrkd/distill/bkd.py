"""Binary knowledge distillation: one two-class Kullback-Leibler divergence per label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrkd.config import ObjectiveConfig
from cxrkd.distill.bce import bce
from cxrkd.distill.breakdown import Loss, LossBreakdown
from cxrkd.distill.masked import answered, known_cells, masked_mean
from cxrkd.distill.registry import blend, register, teacher_of


def binary_kl(logits_s: Tensor, logits_t: Tensor, T: float, known: Tensor | None = None) -> Tensor:
    """KL divergence from teacher to student, label by label; 0-dimensional float32.

        T^2 * mean_known KL( Bern(sigmoid(z_t / T)) || Bern(sigmoid(z_s / T)) )

    It is the cross-entropy at the student minus the cross-entropy at the teacher (the teacher's entropy, a constant),
    both from logits: finite at any logit, and the gradient is T (sigmoid(z_s/T) - sigmoid(z_t/T)) per cell, exactly 0
    where they agree. For T -> infinity the value is (z_s - z_t)^2 / 8.

    Args:
        logits_s: student, float (B, K).
        logits_t: teacher, float (B, K); gets no gradient. A NaN cell, no answer, does not count.
        T: temperature, above 0.
        known: bool (B, K), cells that count; all when None.

    >>> round(binary_kl(torch.tensor([[2.0]]), torch.tensor([[0.0]]), T=1.0).item(), 6)
    0.433781
    """
    logits_t, known = answered(logits_t, known)
    soft_s, soft_t = logits_s.float() / T, logits_t / T
    probs_t = torch.sigmoid(soft_t)
    cross_entropy = F.binary_cross_entropy_with_logits(soft_s, probs_t, reduction="none")
    entropy = F.binary_cross_entropy_with_logits(soft_t, probs_t, reduction="none")
    return T**2 * masked_mean(cross_entropy - entropy, known)


@register(
    "bkd",
    title="Binary KL per label",
    description="Cross-entropy on the labels plus the divergence between the teacher's and the student's answer, label "
    "by label; keeps its gradient where the student is confidently wrong.",
    reference="Yang et al., ICCV 2023, arXiv 2308.06453",
)
def bkd(config: ObjectiveConfig) -> Loss:
    """`alpha * bce + (1 - alpha) * binary_kl`."""

    def loss(logits_s: Tensor, logits_t: Tensor | None, targets: Tensor) -> LossBreakdown:
        soft = binary_kl(logits_s, teacher_of(logits_t), config.temperature, known_cells(targets))
        return blend(config.alpha, bce(logits_s, targets), soft)

    return loss
