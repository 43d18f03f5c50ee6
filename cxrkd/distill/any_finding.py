"""Whether a film shows anything at all, from what is said of each finding: a second task without a second head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrkd.distill.binary_kl import binary_kl
from cxrkd.distill.masked import answered
from cxrkd.labels import label_key

NO_FINDINGS = ("no_finding", "support_devices")
"""Labels that say nothing of disease, by `label_key`."""
_FAR = 80.0  # a logit beyond which float32 has no probability left


def any_logit(logits: Tensor, counts: Tensor) -> Tensor:
    """The logit of at least one finding, were they independent: of 1 - prod_k (1 - p_k); float32 (B,).

        log(1 - p) = sum_k logsigmoid(-z_k) = n,      logit = log(1 - exp(n)) - n

    Finite at any logit; those beyond 80 count as 80.

    Args:
        logits: float (B, K).
        counts: bool (B, K), labels that count; where none does, the logit is that of almost nothing.

    >>> z = torch.logit(torch.tensor([[0.5, 0.2, 0.9]]))
    >>> torch.sigmoid(any_logit(z, torch.tensor([[True, True, False]])))  # 1 - .5 * .8
    tensor([0.6000])
    """
    z = torch.where(counts, logits.float(), -_FAR).clamp(-_FAR, _FAR)
    none = F.logsigmoid(-z).sum(1)
    return torch.log(-torch.expm1(none)) - none


def any_finding(logits_s: Tensor, logits_t: Tensor, T: float, labels: Sequence[str]) -> Tensor:
    """Divergence between what teacher and student say of any finding; 0-dimensional float32.

        T^2 * mean KL( Bern(sigmoid(a_t / T)) || Bern(sigmoid(a_s / T)) ),      a of `any_logit`

    over the labels that the teacher answers, and the films of which it answers any.

    Args:
        logits_s: student, float (B, K).
        logits_t: teacher, float (B, K); gets no gradient. A NaN cell, no answer, does not count.
        T: temperature, above 0.
        labels: K names; those of NO_FINDINGS do not count.
    """
    diseases = torch.tensor([label_key(label) not in NO_FINDINGS for label in labels], device=logits_s.device)
    logits_t, known = answered(logits_t)
    counts = known & diseases
    taught = torch.where(counts.any(1), any_logit(logits_t, counts), torch.nan)
    return binary_kl(any_logit(logits_s, counts)[:, None], taught[:, None], T)
