"""Training batches as a pure function of seed and step: no worker, no iterator, nothing to restore on resume."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from cxrkd.config import TrainConfig
from cxrkd.data.cohort import Cohort
from cxrkd.images.resizing import resized
from cxrkd.train.augment import jitter_tones, mix, move
from cxrkd.train.schedule import Schedule

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Attributes:
        images: float32 (B, 1, s, s) in [0, 1], s the side of the epoch.
        full: float32 (B, 1, S, S), the same views at full size, for a teacher that is asked about them.
        targets: float32 (B, K).
        logits_t: cached answers of the teacher, float32 (B, K), or None.
    """

    images: Tensor
    full: Tensor
    targets: Tensor
    logits_t: Tensor | None

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        logits_t = None if self.logits_t is None else self.logits_t.to(device)
        return Batch(self.images.to(device), self.full.to(device), self.targets.to(device), logits_t)


def to_unit(images: np.ndarray | Tensor) -> Tensor:
    """Grey images (B, S, S), uint8 or float in [0, 1], as float32 (B, 1, S, S) in [0, 1]."""
    tensor = torch.as_tensor(images)
    scale = 1 / 255 if tensor.dtype == torch.uint8 else 1.0
    return (tensor.to(torch.float32) * scale).unsqueeze(1)


@dataclass(frozen=True)
class Batches:
    """The training split of a cohort, cut into batches.

    Images go to `device` as bytes and are changed there: on the processor, turning and zooming them would keep a GPU
    waiting. What is random comes from the processor, so that every device sees the same views.
    """

    cohort: Cohort
    schedule: Schedule
    seed: int
    train: TrainConfig
    teacher_logits: np.ndarray | None = None
    device: torch.device = CPU

    @cached_property
    def train_rows(self) -> np.ndarray:
        """Rows of the training split."""
        return self.cohort.rows("train")

    def rows(self, step: int) -> np.ndarray:
        """Rows of the cohort in the batch of a step; sorted, which reads a memory map in order."""
        order = _order(self.seed, self.schedule.epoch_of(step), len(self.train_rows))
        start = step % self.schedule.steps_per_epoch * self.schedule.batch_size
        return np.sort(self.train_rows[order[start : start + self.schedule.batch_size]])

    def at(self, step: int) -> Batch:
        """The batch of a step; the same for the same seed and step."""
        rows = self.rows(step)
        full, targets = self._look(np.asarray(self.cohort.images[rows]), self.cohort.targets[rows], step)
        teacher = None if self.teacher_logits is None else torch.from_numpy(self.teacher_logits[rows]).float()
        return Batch(self._shrunk(full, step), full, targets, teacher).to(self.device)

    def _shrunk(self, full: Tensor, step: int) -> Tensor:
        """Views (B, 1, S, S) at the side of the step's epoch."""
        size = self.schedule.size_of(step)
        if size == full.shape[-1]:
            return full
        return torch.from_numpy(resized(full[:, 0].cpu().numpy(), size))[:, None]

    def _look(self, images: np.ndarray, targets: np.ndarray, step: int) -> tuple[Tensor, Tensor]:
        """The views of a step at full size (B, 1, S, S), and what is true of them (B, K)."""
        views, truth = to_unit(torch.from_numpy(images).to(self.device)), torch.from_numpy(targets).float()
        if self.train.augment:
            generator = torch.Generator().manual_seed(step_seed(self.seed, step))
            views = jitter_tones(move(views, generator), generator)
        if self.train.mixup:
            views, truth = mix(views, truth, self.train.mixup, np.random.default_rng((self.seed, step)))
        return views, truth


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, n: int) -> np.ndarray:
    """The order of one epoch; cached, because every step of the epoch asks for it."""
    return np.random.default_rng((seed, epoch)).permutation(n)


def step_seed(seed: int, step: int) -> int:
    """A seed of 63 bits for whatever is random in one step."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))
