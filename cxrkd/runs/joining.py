"""How much each of several joined teachers is believed about each label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.special import softmax

from cxrkd.data.cohort import Cohort
from cxrkd.evaluate.ranking import auroc
from cxrkd.models.classifier import Classifier
from cxrkd.models.ensemble import join
from cxrkd.train.device import device
from cxrkd.train.predict import predict_logits
from cxrkd.train.validation import FEW


def joined(parts: Sequence[Classifier], cohort: Cohort, trust: float) -> Classifier:
    """The parts as one network, each weighted per label by how well it ranks the validation films.

        w_mk = exp(trust * AUROC_mk) / sum over m,      trust = 1 / tau of Nabavi et al., arXiv 2403.11226

    They weigh probabilities, this weighs logits, as the even mean does. Where a label has fewer than FEW positive or
    negative validation films, or a part does not answer it, all parts count alike.

    Args:
        parts: trained; of the same labels and size.
        cohort: its validation split is asked about.
        trust: 0 believes all alike, and asks nobody.
    """
    if len(parts) == 1 or not trust:
        return join(parts)
    rows = cohort.rows("val")
    logits = [predict_logits(part.to(device()), cohort.images[rows]) for part in parts]
    shares = believed(np.stack(logits), cohort.targets[rows], trust)
    return join([part.cpu() for part in parts], torch.from_numpy(shares).float())


def believed(logits: np.ndarray, targets: np.ndarray, trust: float) -> np.ndarray:
    """What each part counts for each label, float64 (M, K), of logits (M, N, K) and targets (N, K)."""
    each = np.array([[_auroc(z, y) for z, y in zip(part.T, targets.T, strict=True)] for part in logits])
    return softmax(trust * np.where(np.isnan(each).any(0), 0.0, each), axis=0)


def _auroc(scores: np.ndarray, targets: np.ndarray) -> float:
    known = np.isfinite(targets) & np.isfinite(scores)
    positive = targets[known] > 0.5
    few = min(positive.sum(), (~positive).sum()) < FEW
    return np.nan if few else auroc(scores[known], positive)
