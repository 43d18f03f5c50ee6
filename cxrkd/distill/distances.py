"""How far points of a group lie from one another, compared between two networks whatever their scale and width."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from cxrkd.distill.masked import NOTHING, masked_mean


def distances_apart(points_s: Tensor, points_t: Tensor, members: Tensor) -> Tensor:
    """Huber loss between relative distances within groups; 0-dimensional float32, 0 where no group has two members.

        mean over groups of mean over pairs of Huber( phi(s_i, s_j), phi(t_i, t_j) )
        phi(a, b) = || a - b || / mean over the group's pairs of || a - b ||

    The distance-wise loss of relational distillation (Park et al., CVPR 2019, arXiv 1904.05068), a mean over pairs of
    two different points. Scale, turning and the number of channels do not count.

    Args:
        points_s: student, float (G, N, C): G groups of up to N points.
        points_t: teacher, float (G, N, D); gets no gradient, and may be NaN where nobody is a member.
        members: bool (G, N), which points belong to their group.

    >>> points = torch.tensor([[[0.0], [1.0], [3.0]]])
    >>> round(distances_apart(points, 5 * points.flip(1), torch.ones(1, 3, dtype=torch.bool)).item(), 4)
    0.0833
    """
    pairs = members.unsqueeze(2) & members.unsqueeze(1)
    pairs = pairs & ~torch.eye(members.shape[1], dtype=torch.bool, device=members.device)
    relative_s, spans_s = _relative(points_s, members, pairs)
    relative_t, spans_t = _relative(points_t.detach(), members, pairs)
    cells = torch.where(pairs, smooth_l1_loss(relative_s, relative_t, reduction="none"), 0.0)
    return masked_mean(cells.sum((1, 2)) / pairs.sum((1, 2)).clamp(min=1), spans_s & spans_t)


def _relative(points: Tensor, members: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Distances (G, N, N) over their mean, and of which groups (G,) some point lies apart."""
    points = torch.where(members.unsqueeze(2), points.float(), 0.0)
    # Differences, not products: those lose what small distances between large vectors are.
    distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    mean = torch.where(pairs, distances, 0.0).sum((1, 2)) / pairs.sum((1, 2)).clamp(min=1)
    spans = ~(mean <= NOTHING)  # a NaN stays one
    return distances / torch.where(spans, mean, 1.0)[:, None, None], spans
