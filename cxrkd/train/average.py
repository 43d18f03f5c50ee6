"""An average of a training's weights: a control, since it smooths what a student learns without knowing anything."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Averaged = tuple[Tensor, ...] | list[Tensor]


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of a network's weights, to be told of every step by `update_parameters`.

    Step n keeps min(decay, (1 + n) / (10 + n)) of the average (as TensorFlow's ExponentialMovingAverage does), so that
    the random start is forgotten in a short training, too. Running statistics of norms are those of the network; they
    belong to its weights and not to the average, for which they have to be counted. Weights and count are in its
    `state_dict`; nothing in it learns.

    Args:
        model: copied.
        decay: share that is kept at each step, in (0, 1).
    """

    @torch.no_grad()
    def follow(average: Averaged, current: Averaged, n: Tensor | int) -> None:
        steps = int(n)
        share = 1 - min(decay, (1 + steps) / (10 + steps))
        for kept, now in zip(average, current, strict=True):
            kept.lerp_(now, share)

    return AveragedModel(model, multi_avg_fn=follow).requires_grad_(False)
