"""How long a training is and how big its images are at each step: epochs that grow, then full size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxrkd.config import TrainConfig


@dataclass(frozen=True)
class Schedule:
    """Epochs, steps and image sizes of one training.

    Attributes:
        sizes: image side in pixels of every epoch.
        steps_per_epoch: batches an epoch, the same at every size.
        batch_size: images a batch.
    """

    sizes: tuple[int, ...]
    steps_per_epoch: int
    batch_size: int

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return len(self.sizes)

    @property
    def steps(self) -> int:
        """Number of optimiser steps."""
        return self.epochs * self.steps_per_epoch

    def epoch_of(self, step: int) -> int:
        """Epoch, from 0, that a step belongs to."""
        return step // self.steps_per_epoch

    def size_of(self, step: int) -> int:
        """Image side of a step, in pixels."""
        return self.sizes[self.epoch_of(step)]

    def fraction(self, steps_done: int) -> float:
        """Share of the work that is done, 0..1; a step costs as its pixels do."""
        pixels = np.square(np.asarray(self.sizes, float))
        epoch, rest = divmod(min(steps_done, self.steps), self.steps_per_epoch)
        partial = pixels[epoch] * rest / self.steps_per_epoch if rest else 0.0
        return float((pixels[:epoch].sum() + partial) / pixels.sum())


def epoch_sizes(train: TrainConfig, full_size: int) -> tuple[int, ...]:
    """Image side of every epoch: from `warm_size` up by equal factors, then the full size.

    A jump from 64 to 224 px in one go undoes what was learned (docs/experiments.md), so the small epochs climb. Sides
    are multiples of 32, which is what networks shrink an image by.

    >>> epoch_sizes(TrainConfig(epochs=2, warm_epochs=4, warm_size=64), 224)
    (64, 64, 96, 128, 224, 224)
    """
    start = min(train.warm_size, full_size)
    climb = (start * (full_size / start) ** (i / (train.warm_epochs + 1)) for i in range(train.warm_epochs))
    return (*(max(int(side) // 32 * 32, start) for side in climb), *(full_size,) * train.epochs)


def plan(train: TrainConfig, n_images: int, full_size: int, *, warm: bool = True) -> Schedule:
    """The schedule of `train` on `n_images`; without `warm` every epoch is at full size.

    The last, incomplete batch of an epoch is left out (a new order each epoch brings its images back), unless it
    is the only one.
    """
    sizes = epoch_sizes(train, full_size) if warm else (full_size,) * (train.warm_epochs + train.epochs)
    return Schedule(sizes, max(1, n_images // train.batch_size), min(train.batch_size, n_images))
