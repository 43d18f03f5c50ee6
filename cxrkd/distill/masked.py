"""Means over the cells that count: labels that are known, answers that a teacher has. NaN says that there is none."""

from __future__ import annotations

import torch
from torch import Tensor

NOTHING = 1e-12
"""A length below which a vector has no direction; dividing by it would only make a huge gradient."""


def known_cells(targets: Tensor) -> Tensor:
    """Bool, same shape as `targets`: True where the label is known."""
    return ~torch.isnan(targets)


def answered(logits_t: Tensor) -> tuple[Tensor, Tensor]:
    """A teacher's logits with 0 where it has no answer, and the cells that it answers.

    NaN is how a teacher says that it was never taught a label. It is replaced before the loss is computed, because the
    gradient of a masked NaN is NaN as well. An infinite logit is no answer either: it has no finite distance.

    Args:
        logits_t: float (B, K), NaN where the teacher has no answer; detached.

    >>> answered(torch.tensor([[1.0, float("nan")]]))
    (tensor([[1., 0.]]), tensor([[ True, False]]))
    """
    logits_t = logits_t.detach().float()
    has_answer = torch.isfinite(logits_t)
    return torch.where(has_answer, logits_t, logits_t.new_zeros(())), has_answer


def masked_mean(values: Tensor, known: Tensor) -> Tensor:
    """Mean of `values` over the True cells of `known`; 0 when none is known.

    An unknown cell is replaced, not multiplied by zero, so that a NaN in it cannot reach the sum.

    >>> masked_mean(torch.tensor([1.0, float("nan"), 3.0]), torch.tensor([True, False, True]))
    tensor(2.)
    """
    return torch.where(known, values, values.new_zeros(())).sum() / known.sum().clamp(min=1)
