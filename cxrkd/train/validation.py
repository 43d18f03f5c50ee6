"""The one number watched while training."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc


def macro_auroc(logits: Tensor, targets: Tensor) -> float:
    """Mean AUROC over the labels that have both a positive and a negative case; NaN when none has.

    Args:
        logits: float (N, K).
        targets: (N, K) of 0, 1, NaN where unknown.
    """
    scores = [_auroc(logits[:, k], targets[:, k]) for k in range(targets.shape[1])]
    defined = [score for score in scores if not math.isnan(score)]
    return sum(defined) / len(defined) if defined else math.nan


def _auroc(logits: Tensor, targets: Tensor) -> float:
    known = ~torch.isnan(targets)
    positive = targets[known] > 0.5
    if not positive.any() or positive.all():
        return math.nan
    # Scores outside [0, 1] would go through a sigmoid, which ties saturated logits that differ.
    scores = logits[known].double()
    scores = (scores - scores.min()) / (scores.max() - scores.min()).clamp(min=torch.finfo(torch.double).tiny)
    return float(binary_auroc(scores, positive.int()))
