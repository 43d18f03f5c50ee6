"""A student's features through a projection of its own into the teacher's, and how much of those it misses."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cxrkd.distill.grids import on_one_grid
from cxrkd.distill.loss import StatefulObjective
from cxrkd.distill.masked import NOTHING, masked_mean
from cxrkd.models.views import Views


def relative_error(features_s: Tensor, features_t: Tensor) -> Tensor:
    """Share of the teacher's features that the student's miss; 0-dimensional float32.

        mean over films of || F_s - F_t ||^2 / || F_t ||^2

    It is 1 where the student says nothing, whatever the size of a network's features. A film of which the teacher has
    no features, or none that are numbers, does not count.

    Args:
        features_s: student, float (B, C, h, w).
        features_t: teacher, the same shape; gets no gradient.

    >>> round(relative_error(torch.zeros(1, 2, 3, 3), torch.ones(1, 2, 3, 3)).item(), 4)
    1.0
    """
    flat_s, flat_t = features_s.float().flatten(1), features_t.detach().float().flatten(1)
    sizes = flat_t.norm(dim=1)
    known = torch.isfinite(sizes) & (sizes > NOTHING)
    # Replaced before they are compared: the gradient of a masked NaN is NaN as well.
    flat_t, sizes = torch.where(known[:, None], flat_t, 0.0), torch.where(known, sizes, 1.0)
    return masked_mean((flat_s - flat_t).square().sum(1) / sizes.square(), known)


class Projected(StatefulObjective):
    """The feature hint of FitNets (Romero et al., ICLR 2015, arXiv 1412.6550), on the last features.

    The regressor is a convolution of 1 x 1 that is trained with the student and thrown away with the objective. The
    finer grid is averaged down to the coarser one first, which a linear map does not notice.

    Args:
        channels_s: of the student's last stage.
        channels_t: of the teacher's.
    """

    def __init__(self, channels_s: int, channels_t: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(channels_s, channels_t, 1)

    def forward(self, student: Views, teacher: Views, targets: Tensor) -> Tensor:
        """What the projected features miss."""
        features_s, features_t = on_one_grid(student.features, teacher.features)
        return relative_error(self.projection(features_s), features_t)
