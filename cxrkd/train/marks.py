"""Where lesions of a batch are marked, moved along with its films."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cxrkd.data.cohort import Cohort
from cxrkd.train.augment import Amounts, move

SIDE = 56
"""Cells a side that marks are kept at: no grid of label maps is finer than a quarter of 224 pixels."""


@dataclass(frozen=True)
class Marks:
    """Findings of a batch whose place is known: M pairs of a film and a label.

    Attributes:
        films: int64 (M,), place of the film in the batch.
        labels: int64 (M,), column of the targets.
        covered: float32 (M, SIDE, SIDE), share of each cell that the lesion covers, in [0, 1].
    """

    films: Tensor
    labels: Tensor
    covered: Tensor

    @property
    def pairs(self) -> tuple[Tensor, Tensor]:
        """Films and labels."""
        return self.films, self.labels

    def to(self, device: torch.device) -> Marks:
        """The same on a device."""
        return Marks(self.films.to(device), self.labels.to(device), self.covered.to(device))


def marks_of(cohort: Cohort, rows: np.ndarray, amounts: Amounts | None) -> Marks:
    """The marks of some rows of a cohort, moved as their films were; findings that are known to be absent have none.

    Args:
        cohort: films, targets and lesions.
        rows: int (B,).
        amounts: by which the films were moved; None where they were not. A lesion that leaves its film has no mark.
    """
    masks = torch.from_numpy(np.stack([cohort.masks(row, SIDE) for row in rows.tolist()])).float()
    if amounts is not None:
        masks = move(masks, amounts, padding="zeros")
    films, labels = torch.nonzero(masks.amax((-2, -1)) > 0, as_tuple=True)
    positive = torch.from_numpy(cohort.positive[rows])[films, labels]
    films, labels = films[positive], labels[positive]
    return Marks(films, labels, masks[films, labels])
