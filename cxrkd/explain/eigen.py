"""The first principal component of features over the cells of a film, with a sign.

A component has no sign of its own: v and -v describe the same spread. The sign is that of a guide, a map that says what
is meant by "much": the component is positive where the guide is above its mean. Where the guide does not vary along it
(a layer norm makes the sum over channels the same in every cell) the larger of the two extremes is positive, so that
few cells stand out from many and not the other way round (Chung & Ying, Appl. Sci. 2025, 15(13), 7562, equation 13).
"""

from __future__ import annotations

import torch
from torch import Tensor

_SILENT = 1e-4  # of the component's length; rounding leaves 1e-6 of a guide that is constant


def first_component(features: Tensor, guide: Tensor) -> Tensor:
    """Projection of centred features on their first principal component, cell by cell.

        X = features - mean over cells,  X = U S V^T,  map = X v_1 = s_1 u_1

    From the eigenvectors of X X^T in float64: there are fewer cells than channels, and a last bit must not decide.

    Args:
        features: float (..., C, h, w).
        guide: float (..., h, w), decides the sign.

    Returns:
        float32 (..., h, w) with a mean of zero; zero where features do not vary over the cells, NaN where they are no
        numbers.
    """
    shape = guide.shape
    x = features.double().flatten(-2).transpose(-2, -1)
    x = x - x.mean(-2, keepdim=True)
    square = x @ x.transpose(-2, -1)
    known = square.isfinite().flatten(-2).all(-1)  # the solver fails on others with an error of its own
    values, vectors = torch.linalg.eigh(torch.where(known[..., None, None], square, 0))
    component = values[..., -1:].clamp(min=0).sqrt() * vectors[..., -1]
    centred = guide.double().flatten(-2)
    centred = centred - centred.mean(-1, keepdim=True)
    signed = torch.where(known[..., None], component * _sign(component, centred), torch.nan)
    return signed.unflatten(-1, shape[-2:]).float()


def _sign(component: Tensor, guide: Tensor) -> Tensor:
    """1 or -1 (..., 1) for components and guides (..., n)."""
    along, length = (component * guide).sum(-1, keepdim=True), component.norm(dim=-1, keepdim=True)
    extremes = component.amax(-1, keepdim=True) + component.amin(-1, keepdim=True)
    decides = torch.where(along.abs() > _SILENT * length**2, along, extremes)
    return torch.where(decides < 0, -1.0, 1.0)
