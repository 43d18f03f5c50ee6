"""Means over the cells whose label is known. NaN is how a target says "unknown"."""

from __future__ import annotations

import torch
from torch import Tensor


def known_cells(targets: Tensor) -> Tensor:
    """Bool, same shape as `targets`: True where the label is known."""
    return ~torch.isnan(targets)


def masked_mean(values: Tensor, known: Tensor | None) -> Tensor:
    """Mean of `values` over the True cells of `known`; 0 when none is known. All cells count when `known` is None.

    An unknown cell is replaced, not multiplied by zero, so that a NaN in it cannot reach the sum.

    >>> masked_mean(torch.tensor([1.0, float("nan"), 3.0]), torch.tensor([True, False, True]))
    tensor(2.)
    """
    if known is None:
        return values.mean()
    return torch.where(known, values, values.new_zeros(())).sum() / known.sum().clamp(min=1)
