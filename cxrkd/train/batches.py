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
from cxrkd.train.augment import draw, jitter_tones, mixture, move
from cxrkd.train.ranks import ALONE, Share
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

    A batch is that of the whole training: each of several processes takes its share of every one, and what is random
    is drawn for the whole batch, so that together they see what one process alone would.
    """

    cohort: Cohort
    schedule: Schedule
    seed: int
    train: TrainConfig
    teacher_logits: np.ndarray | None = None
    device: torch.device = CPU
    share: Share = ALONE

    @cached_property
    def train_rows(self) -> np.ndarray:
        """Rows of the training split."""
        return self.cohort.rows("train")

    def rows(self, step: int) -> np.ndarray:
        """Rows of the cohort in the whole batch of a step; sorted, which reads a memory map in order."""
        order = _order(self.seed, self.schedule.epoch_of(step), len(self.train_rows))
        start = step % self.schedule.steps_per_epoch * self.schedule.batch_size
        return np.sort(self.train_rows[order[start : start + self.schedule.batch_size]])

    def at(self, step: int) -> Batch:
        """This process's share of the batch of a step; the same for the same seed and step."""
        rows = self.rows(step)
        mine = self.share.of(np.arange(len(rows)))
        full, targets = self._mixed(rows, mine, step) if self.train.mixup else self._look(rows, mine, step)
        teacher = None if self.teacher_logits is None else torch.from_numpy(self.teacher_logits[rows[mine]]).float()
        return Batch(self._shrunk(full, step), full, targets, teacher).to(self.device)

    def _shrunk(self, full: Tensor, step: int) -> Tensor:
        """Views (B, 1, S, S) at the side of the step's epoch."""
        size = self.schedule.size_of(step)
        if size == full.shape[-1]:
            return full
        return torch.from_numpy(resized(full[:, 0].cpu().numpy(), size))[:, None]

    def _look(self, rows: np.ndarray, places: np.ndarray, step: int) -> tuple[Tensor, Tensor]:
        """Some views (B, 1, S, S) of a step at full size, by place in the whole batch, and their targets (B, K)."""
        images = torch.from_numpy(np.asarray(self.cohort.images[rows[places]]))
        views, targets = to_unit(images.to(self.device)), torch.from_numpy(self.cohort.targets[rows[places]]).float()
        if self.train.augment:
            generator = torch.Generator().manual_seed(step_seed(self.seed, step))
            amounts = draw(len(rows), generator).of(places)
            views = jitter_tones(move(views, amounts), amounts)
        return views, targets

    def _mixed(self, rows: np.ndarray, places: np.ndarray, step: int) -> tuple[Tensor, Tensor]:
        """The same with their partners mixed in, which may be of another process's share."""
        mixed = mixture(len(rows), self.train.mixup, np.random.default_rng((self.seed, step)))
        needed = np.union1d(places, mixed.partner[places])
        first, second = (np.searchsorted(needed, wanted) for wanted in (places, mixed.partner[places]))
        views, targets = self._look(rows, needed, step)
        return mixed.of(views[first], views[second]), mixed.of(targets[first], targets[second])


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, n: int) -> np.ndarray:
    """The order of one epoch; cached, because every step of the epoch asks for it."""
    return np.random.default_rng((seed, epoch)).permutation(n)


def step_seed(seed: int, step: int) -> int:
    """A seed of 63 bits for whatever is random in one step."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))
