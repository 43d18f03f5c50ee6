"""Plain binary cross-entropy on labels: how teachers are trained, and the label term of `bkd`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrkd.distill.masked import known_cells, masked_mean


def bce(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy over known cells; 0-dimensional float32.

    Args:
        logits: float (B, K).
        targets: (B, K) in [0, 1], NaN where unknown; unknown cells get no gradient.
    """
    cells = F.binary_cross_entropy_with_logits(logits.float(), torch.nan_to_num(targets.float()), reduction="none")
    return masked_mean(cells, known_cells(targets))
