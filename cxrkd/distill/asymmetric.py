"""Asymmetric loss on labels: absent findings, which are nearly all cells, are focused on harder than present ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrkd.distill.masked import known_cells, masked_mean


def asymmetric_bce(
    logits: Tensor, targets: Tensor, gamma_positive: float = 0.0, gamma_negative: float = 4.0, clip: float = 0.05
) -> Tensor:
    """Asymmetric loss of Ridnik et al. (ICCV 2021, arXiv 2009.14119); 0-dimensional float32.

        - y * (1 - p)^gamma_positive * log p  -  (1 - y) * p_m^gamma_negative * log(1 - p_m)

    with p = sigmoid(logits) and p_m = max(p - clip, 0): an absent finding that is answered below `clip` is done with.
    Mean over known cells, where the paper has a sum. With equal exponents and no clip it is the focal loss, with none
    at all plain cross-entropy. As meant by its authors, the pull on a cell that is labelled absent fades where the
    network is sure of the finding: such a label is likely wrong.

    Args:
        logits: float (B, K).
        targets: (B, K) in [0, 1], NaN where unknown; unknown cells get no gradient.
        gamma_positive: exponent of present findings, 0 or more.
        gamma_negative: exponent of absent findings, 0 or more.
        clip: probability that absent findings are let off, in [0, 1).

    >>> round(asymmetric_bce(torch.tensor([[0.0]]), torch.tensor([[0.0]])).item(), 6)  # .45^4 * -log(.55)
    0.024515
    """
    known = known_cells(targets)
    z, y = logits.float(), torch.nan_to_num(targets.float())
    log_p, log_not_p = F.logsigmoid(z), F.logsigmoid(-z)
    positive = torch.exp(gamma_positive * log_not_p) * log_p
    kept = torch.sigmoid(z) - clip
    counts = kept > 0
    # Replaced before the power: the gradient of one at 0 is infinite for exponents below 1.
    focus = torch.where(counts, kept, 1.0) ** gamma_negative
    spared = log_not_p if clip == 0 else torch.log((torch.sigmoid(-z) + clip).clamp(max=1))
    negative = torch.where(counts, focus * spared, 0.0)
    return masked_mean(-(y * positive + (1 - y) * negative), known)
