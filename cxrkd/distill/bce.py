"""Plain binary cross-entropy on labels: how teachers are trained, and the control of every distillation."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrkd.distill.breakdown import LossBreakdown
from cxrkd.distill.masked import known_cells, masked_mean


def bce(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy over known cells; 0-dimensional float32.

    Args:
        logits: float (B, K).
        targets: (B, K) in [0, 1], NaN where unknown; unknown cells get no gradient.
    """
    cells = F.binary_cross_entropy_with_logits(logits.float(), torch.nan_to_num(targets.float()), reduction="none")
    return masked_mean(cells, known_cells(targets))


def no_distillation(logits_s: Tensor, logits_t: Tensor | None, targets: Tensor) -> LossBreakdown:
    """The control: labels only. A teacher's logits are accepted and ignored, so that it fits where objectives do."""
    task = bce(logits_s, targets)
    return LossBreakdown(total=task, task=task.detach(), distill=task.new_zeros(()))
