"""What each of several processes does of one training: every `world`-th item of a list that all of them know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Share:
    """The part of one process.

    Attributes:
        rank: which of them it is, from 0.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    def of(self, items: np.ndarray) -> np.ndarray:
        """This process's items, in order: `items[rank::world]`. No item belongs to two, and none to nobody."""
        return items[self.rank :: self.world]

    def padded(self, part: Tensor, n: int) -> Tensor:
        """What came of this process's share of n items, float (m, K), filled up with NaN to (ceil(n / world), K).

        Processes exchange tensors of one shape only, and n need not be a multiple of `world`.
        """
        missing = -(-n // self.world) - len(part)
        return torch.cat([part, part.new_full((missing, *part.shape[1:]), torch.nan)])


ALONE = Share()
"""One process, which does all of it."""


def interleaved(parts: Sequence[Tensor], n: int) -> Tensor:
    """The padded parts of all processes, in the order of their ranks, as one float (n, K) in the order of the items.

    >>> interleaved([torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [torch.nan]])], 3).flatten().tolist()
    [0.0, 1.0, 2.0]
    """
    return torch.stack(list(parts), 1).flatten(0, 1)[:n]
