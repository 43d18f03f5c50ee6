"""The paper's distance between two answers: temperature-scaled squared error on probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

from cxrkd.distill.masked import answered, masked_mean


def paper_mse(logits_s: Tensor, logits_t: Tensor, T: float) -> Tensor:
    """Squared error between softened probabilities; 0-dimensional float32.

        T^2 * mean ( sigmoid(z_s / T) - sigmoid(z_t / T) )^2      over the cells that the teacher answers

    One sigmoid per label: a softmax over labels would make findings compete that occur together. T^2 keeps the size of
    the gradient as T grows (Hinton et al. 2015, arXiv 1503.02531); for T -> infinity this is (z_s - z_t)^2 / 16.

    Args:
        logits_s: student, float (B, K).
        logits_t: teacher, float (B, K); gets no gradient. A NaN cell, no answer, does not count.
        T: temperature, above 0.

    >>> round(paper_mse(torch.tensor([[1.3]]), torch.tensor([[-0.7]]), T=2.0).item(), 6)
    0.237418
    """
    logits_t, known = answered(logits_t)
    gap = torch.sigmoid(logits_s.float() / T) - torch.sigmoid(logits_t / T)
    return T**2 * masked_mean(gap**2, known)
