"""A student's features through a projection of its own into the teacher's, and how far from them they end."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cxrkd.distill.grids import on_one_grid
from cxrkd.distill.loss import StatefulObjective
from cxrkd.distill.masked import NOTHING, masked_mean
from cxrkd.models.views import Views


def scaled_mse(features_s: Tensor, features_t: Tensor) -> Tensor:
    """Squared error between features, the teacher's on a scale of one; 0-dimensional float32.

        mean over films, channels and cells of ( F_s - F_t / r )^2,      r = root mean square of F_t over the batch

    It is 1 where the student says nothing, and a projection has to learn no scale: features of networks differ a
    thousandfold in size. A film of which the teacher's are no numbers does not count.

    Args:
        features_s: student, float (B, C, h, w).
        features_t: teacher, the same shape; gets no gradient.

    >>> scaled_mse(torch.zeros(1, 2, 3, 3), torch.full((1, 2, 3, 3), 0.25))
    tensor(1.)
    """
    flat_s, flat_t = features_s.float().flatten(1), features_t.detach().float().flatten(1)
    known = torch.isfinite(flat_t).all(1)
    flat_t = torch.where(known[:, None], flat_t, 0.0)
    size = masked_mean(flat_t.square().mean(1), known).sqrt()
    known = known & (size > NOTHING)
    return masked_mean((flat_s - flat_t / size.clamp(min=NOTHING)).square().mean(1), known)


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
        """How far the projected features are from the teacher's."""
        features_s, features_t = on_one_grid(student.features, teacher.features)
        return scaled_mse(self.projection(features_s), features_t)
