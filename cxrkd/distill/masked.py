"""Means over the cells whose label is known. NaN is how a target says "unknown"."""

from __future__ import annotations

import torch
from torch import Tensor


def known_cells(targets: Tensor) -> Tensor:
    """Bool, same shape as `targets`: True where the label is known."""
    return ~torch.isnan(targets)


def answered(logits_t: Tensor, known: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """A teacher's logits with 0 where it has no answer, and the cells that count: known, and answered.

    NaN is how a teacher says that it was never taught a label. It is replaced before the loss is computed, because the
    gradient of a masked NaN is NaN as well.

    Args:
        logits_t: float (B, K), NaN where the teacher has no answer; detached.
        known: bool (B, K), cells that count otherwise; all when None.

    >>> answered(torch.tensor([[1.0, float("nan")]]), torch.tensor([[True, True]]))
    (tensor([[1., 0.]]), tensor([[ True, False]]))
    """
    logits_t = logits_t.detach().float()
    has_answer = ~torch.isnan(logits_t)
    filled = torch.where(has_answer, logits_t, logits_t.new_zeros(()))
    return filled, has_answer if known is None else known & has_answer


def masked_mean(values: Tensor, known: Tensor | None) -> Tensor:
    """Mean of `values` over the True cells of `known`; 0 when none is known. All cells count when `known` is None.

    An unknown cell is replaced, not multiplied by zero, so that a NaN in it cannot reach the sum.

    >>> masked_mean(torch.tensor([1.0, float("nan"), 3.0]), torch.tensor([True, False, True]))
    tensor(2.)
    """
    if known is None:
        return values.mean()
    return torch.where(known, values, values.new_zeros(())).sum() / known.sum().clamp(min=1)
