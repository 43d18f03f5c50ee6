"""Binary cross-entropy on labels: how teachers are trained, and the label term of most objectives."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrkd.distill.masked import known_cells, masked_mean


def bce(logits: Tensor, targets: Tensor, positive_weights: Tensor | None = None) -> Tensor:
    """Mean binary cross-entropy over known cells; 0-dimensional float32.

    Args:
        logits: float (B, K).
        targets: (B, K) in [0, 1], NaN where unknown; unknown cells get no gradient.
        positive_weights: what a present finding counts beside an absent one, float (K,); None where both count alike.
    """
    weights = None if positive_weights is None else positive_weights.to(logits.device)
    y = torch.nan_to_num(targets.float())
    cells = F.binary_cross_entropy_with_logits(logits.float(), y, reduction="none", pos_weight=weights)
    return masked_mean(cells, known_cells(targets))
