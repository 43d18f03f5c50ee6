"""Maps of two networks on one grid, so that cell can be compared with cell."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d


def on_one_grid(maps_s: Tensor, maps_t: Tensor, most: int | None = None) -> tuple[Tensor, Tensor]:
    """Both averaged down to the coarser grid, along each side; float32, the teacher's cut from its graph.

    Args:
        maps_s: student, float (B, C, h, w).
        maps_t: teacher, float (B, D, H, W).
        most: cells along a side, at most; None leaves the coarser grid as it is.

    >>> import torch
    >>> [tuple(maps.shape) for maps in on_one_grid(torch.zeros(1, 2, 8, 8), torch.zeros(1, 3, 6, 12))]
    [(1, 2, 6, 8), (1, 3, 6, 8)]
    """
    pairs = zip(maps_s.shape[2:], maps_t.shape[2:], strict=True)
    height, width = (min(sides if most is None else (*sides, most)) for sides in pairs)
    grid = height, width
    return adaptive_avg_pool2d(maps_s.float(), grid), adaptive_avg_pool2d(maps_t.detach().float(), grid)
