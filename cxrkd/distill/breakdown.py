"""What an objective returns: one number to minimise and the parts it was made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LossBreakdown:
    """A loss and its parts, each a 0-dimensional float32 tensor.

    Attributes:
        total: what is minimised; the only part that must carry a gradient.
        task: the unweighted loss against the labels.
        distill: the unweighted loss against the teacher; 0 where there is no teacher.
    """

    total: Tensor
    task: Tensor
    distill: Tensor

    def to_dict(self) -> dict[str, float]:
        """The three numbers under the names that events use."""
        return {"loss": self.total.item(), "task": self.task.item(), "distill": self.distill.item()}


Loss = Callable[[Tensor, Tensor | None, Tensor], LossBreakdown]
"""`(logits_s, logits_t, targets) -> LossBreakdown`; all three are (B, K), targets hold NaN where unknown."""
