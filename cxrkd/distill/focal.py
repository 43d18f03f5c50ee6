"""Focal binary cross-entropy on labels, one sigmoid per label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrkd.distill.masked import known_cells, masked_mean


def focal_bce(logits: Tensor, targets: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss of Lin et al. (ICCV 2017, arXiv 1708.02002) without its class weight; 0-dimensional float32.

        - (1 - p)^gamma * y * log p  -  p^gamma * (1 - y) * log(1 - p),      p = sigmoid(logits)

    `gamma = 0` is plain binary cross-entropy. Everything is computed from `logsigmoid`, in float32, so that value and
    gradient stay finite at any logit.

    Args:
        logits: float (B, K).
        targets: (B, K) in [0, 1], NaN where unknown; unknown cells get no gradient.
        gamma: focal exponent, 0 or more.

    >>> round(focal_bce(torch.tensor([[1.0]]), torch.tensor([[1.0]])).item(), 7)
    0.0226581
    """
    known = known_cells(targets)
    y = torch.nan_to_num(targets.float())
    log_p, log_not_p = F.logsigmoid(logits.float()), F.logsigmoid(-logits.float())
    # exp(gamma * log p) instead of p ** gamma: the power's gradient is infinite at p = 0 when gamma < 1.
    positive = torch.exp(gamma * log_not_p) * y * log_p
    negative = torch.exp(gamma * log_p) * (1 - y) * log_not_p
    return masked_mean(-(positive + negative), known)
