"""What a loss returns: one number to minimise and the parts it was made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LossBreakdown:
    """A loss and its parts, each a 0-dimensional float32 tensor.

    Attributes:
        total: what is minimised; the only part that must carry a gradient.
        task: the unweighted loss against the labels; 0 where no label of the batch is known.
        distill: the unweighted loss against the teacher; 0 where there is no teacher, or it knows nothing.
    """

    total: Tensor
    task: Tensor
    distill: Tensor

    def to_dict(self) -> dict[str, float]:
        """The three numbers under the names that events use."""
        return {"loss": self.total.item(), "task": self.task.item(), "distill": self.distill.item()}


Loss = Callable[[Tensor, Tensor | None, Tensor], LossBreakdown]
"""`(logits_s, logits_t, targets) -> LossBreakdown`; all three are (B, K), targets hold NaN where unknown."""

Term = Callable[[Tensor, Tensor], Tensor]
"""One part of a loss: `(logits_s, targets)` or `(logits_s, logits_t)`, each (B, K) -> 0-dimensional float32."""


def labels_only(task: Term) -> Loss:
    """A loss of its label term alone. A teacher's logits are accepted and ignored, so that it fits where losses do."""

    def loss(logits_s: Tensor, logits_t: Tensor | None, targets: Tensor) -> LossBreakdown:
        value = task(logits_s, targets)
        return LossBreakdown(total=value, task=value.detach(), distill=value.new_zeros(()))

    return loss
