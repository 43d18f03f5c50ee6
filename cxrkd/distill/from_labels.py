"""What is learned from labels, where an objective says nothing of its own about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def cross_entropy(config: object) -> Callable[[Tensor, Tensor], Tensor]:
    """Plain cross-entropy: the `task` of an `Objective`."""
    from cxrkd.distill.bce import bce

    return bce
