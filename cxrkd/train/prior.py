"""Let an untrained network start from what is known before any image is seen: how common each label is."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from cxrkd.models.classifier import Classifier
from cxrkd.models.head import head_name

_RARE = 0.005


def start_at_prevalence(model: Classifier, targets: np.ndarray, untaught: np.ndarray | None = None) -> None:
    """Set the biases of the last layer so that the first predictions are each label's prevalence.

    With findings in a few percent of the images, a network that starts at one half spends its first epoch on the biases
    (Lin et al., ICCV 2017, arXiv 1708.02002, section 4.1). Weights of the last layer are shrunk tenfold, for the
    same reason: at the start they only add noise. A network that does not end in a Linear layer is left as it is.

    Args:
        model: untrained; changed in place.
        targets: (N, K) of the training split, NaN where unknown.
        untaught: bool (K,), labels whose part of the last layer is untrained; all when None. The others stay.
    """
    name = head_name(model)
    head = model.get_submodule(name) if name is not None else None
    if not isinstance(head, nn.Linear) or head.bias is None:
        return
    known = np.isfinite(targets)
    share = np.where(known, targets, 0).sum(0) / np.maximum(known.sum(0), 1)
    share = np.clip(share, _RARE, 1 - _RARE)
    rows = torch.ones(len(share), dtype=torch.bool) if untaught is None else torch.from_numpy(untaught)
    with torch.no_grad():
        head.bias[rows] = torch.from_numpy(np.log(share / (1 - share))).to(head.bias)[rows]
        head.weight[rows] *= 0.1
