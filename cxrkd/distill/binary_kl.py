"""Binary knowledge distillation: one two-class Kullback-Leibler divergence per label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrkd.distill.masked import answered, masked_mean


def binary_kl(logits_s: Tensor, logits_t: Tensor, T: float | Tensor) -> Tensor:
    """KL divergence from teacher to student, label by label; 0-dimensional float32.

        mean T^2 KL( Bern(sigmoid(z_t / T)) || Bern(sigmoid(z_s / T)) )      over the cells that the teacher answers

    It is the cross-entropy at the student minus the cross-entropy at the teacher (the teacher's entropy, a constant),
    both from logits: finite at any logit, and the gradient is T (sigmoid(z_s/T) - sigmoid(z_t/T)) per cell, exactly 0
    where they agree. For T -> infinity the value is (z_s - z_t)^2 / 8.

    Args:
        logits_s: student, float (B, K).
        logits_t: teacher, float (B, K); gets no gradient. A NaN cell, no answer, does not count.
        T: temperature, above 0; float (K,) for one a label, each with its own T^2.

    >>> round(binary_kl(torch.tensor([[2.0]]), torch.tensor([[0.0]]), T=1.0).item(), 6)
    0.433781
    """
    logits_t, known = answered(logits_t)
    soft_s, soft_t = logits_s.float() / T, logits_t / T
    probs_t = torch.sigmoid(soft_t)
    cross_entropy = F.binary_cross_entropy_with_logits(soft_s, probs_t, reduction="none")
    entropy = F.binary_cross_entropy_with_logits(soft_t, probs_t, reduction="none")
    return masked_mean(T**2 * (cross_entropy - entropy), known)
