"""Maps that are pulled into where a lesion was marked: a network is to be right for the right reason."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

_NOWHERE = -1e9  # the logarithm of no share at all; minus infinity would have no gradient beside it


def outside_lesion(maps: Tensor, covered: Tensor) -> Tensor:
    """How little of the evidence lies within the lesion; 0-dimensional float32, 0 where nothing is marked.

        mean over marks of  - log sum_cells( covered * softmax_cells(h w M) )

    M is a Grad-CAM map, whose cells add up to about the logit, so h w M is what the logit would be if the whole film
    looked like the cell. The softmax of it over the film is where the network looks, and the loss is the cross-entropy
    of that place being in the lesion: for a head that averages its cells, the spatial term of weakly supervised
    localisation with boxes (Li et al., CVPR 2018, arXiv 1711.06373, learn them cell by cell). A map may be strong
    anywhere in the lesion; nobody asks it to fill the box.

    Args:
        maps: one for each mark, raw and signed, float (M, h, w).
        covered: share of each cell that the lesion covers, in [0, 1], float (M, H, W) on any grid.

    >>> even = torch.zeros(1, 2, 2)
    >>> round(outside_lesion(even, torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])).item(), 4)  # a quarter: log 4
    1.3863
    """
    height, width = maps.shape[-2:]
    within = adaptive_avg_pool2d(covered.float(), (height, width)).flatten(1)
    marked = within.amax(1) > 0
    if not marked.any():
        return maps.new_zeros((), dtype=torch.float32)
    within = within[marked]
    looks = torch.log_softmax(maps[marked].float().flatten(1) * height * width, 1)
    # A lesion smaller than a cell covers a part of it: the cell that it covers most counts whole.
    shares = torch.where(within > 0, within / within.amax(1, keepdim=True), torch.nan).log()
    return -torch.logsumexp(torch.where(shares.isnan(), _NOWHERE, looks + shares), 1).mean()
