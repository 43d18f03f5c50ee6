"""How far two networks' vectors point apart, whatever their length."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from cxrkd.distill.masked import NOTHING, masked_mean


def directions_apart(vectors_s: Tensor, vectors_t: Tensor, known: Tensor) -> Tensor:
    """Mean of 1 - cosine over the vectors that count and that have a direction; 0-dimensional float32.

        mean ( 1 - cos(v_s, v_t) )  =  mean || v_s / |v_s|  -  v_t / |v_t| ||^2 / 2

    It is computed the second way, which is exactly 0 where the two are equal, and so is its gradient.

    Args:
        vectors_s: student, float (..., D).
        vectors_t: teacher, float (..., D); gets no gradient.
        known: bool (...), those that count.

    >>> directions_apart(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, -3.0]]), torch.tensor([True]))
    tensor(1.)
    """
    vectors_s, vectors_t = vectors_s.float(), vectors_t.detach().float()
    sizes_s, sizes_t = vectors_s.norm(dim=-1), vectors_t.norm(dim=-1)
    # A student's NaN is kept, so that a training which went wrong is not taken for one that has learned everything.
    known = known & ~(sizes_s <= NOTHING) & (sizes_t > NOTHING) & torch.isfinite(sizes_t)
    # Replaced before they are divided: the gradient of a masked NaN is NaN as well.
    units_s, units_t = (normalize(torch.where(known[..., None], each, 1.0), dim=-1) for each in (vectors_s, vectors_t))
    return masked_mean((units_s - units_t).square().sum(-1) / 2, known)
