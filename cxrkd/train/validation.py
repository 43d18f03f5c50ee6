"""The one number watched while training."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc

FEW = 5
"""Positive validation images below which a label's AUROC jumps from epoch to epoch."""


def macro_auroc(logits: Tensor, targets: Tensor) -> float:
    """Mean AUROC over the labels with at least FEW positives, or over all where none has; NaN where it is undefined.

    Args:
        logits: float (N, K).
        targets: (N, K) of 0, 1, NaN where unknown.
    """
    scores = {k: _auroc(logits[:, k], targets[:, k]) for k in range(targets.shape[1])}
    defined = {k: score for k, score in scores.items() if not math.isnan(score)}
    steady = [score for k, score in defined.items() if (targets[:, k] > 0.5).sum() >= FEW]
    kept = steady or list(defined.values())
    return sum(kept) / len(kept) if kept else math.nan


def _auroc(logits: Tensor, targets: Tensor) -> float:
    known = ~torch.isnan(targets)
    positive = targets[known] > 0.5
    if not positive.any() or positive.all():
        return math.nan
    # Scores outside [0, 1] would go through a sigmoid, which ties saturated logits that differ.
    scores = logits[known].double()
    scores = (scores - scores.min()) / (scores.max() - scores.min()).clamp(min=torch.finfo(torch.double).tiny)
    return float(binary_auroc(scores, positive.int()))
