"""Training batches as a pure function of seed and step: no worker, no iterator, nothing to restore on resume."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from cxrkd.config import TrainConfig
from cxrkd.data.cohort import Cohort
from cxrkd.images.resizing import resized
from cxrkd.train.augment import draw, jitter_tones, mixture, move
from cxrkd.train.degrade import degraded
from cxrkd.train.marks import Marks, marks_of
from cxrkd.train.ranks import ALONE, Share
from cxrkd.train.schedule import Schedule

CPU = torch.device("cpu")
PROBED = 16  # films whose views tell how films are changed


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Attributes:
        images: float32 (B, 1, s, s) in [0, 1], s the side of the epoch.
        full: float32 (B, 1, S, S), the same views at full size, for a teacher that is asked about them.
        targets: float32 (B, K).
        logits_t: cached answers of the teacher, float32 (B, K), or None.
        marks: where lesions of these films are marked, moved as the films are; None where nobody learns from them.
        rows: int (B,), of the cohort.
        epoch: whose views these are.
    """

    images: Tensor
    full: Tensor
    targets: Tensor
    logits_t: Tensor | None
    marks: Marks | None
    rows: np.ndarray
    epoch: int

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        logits_t = None if self.logits_t is None else self.logits_t.to(device)
        marks = None if self.marks is None else self.marks.to(device)
        images, full, targets = (tensor.to(device) for tensor in (self.images, self.full, self.targets))
        return replace(self, images=images, full=full, targets=targets, logits_t=logits_t, marks=marks)

    def of(self, some: np.ndarray) -> Batch:
        """Some of the views, bool (B,), for whoever answers them; what is learned from stays behind."""
        chosen = torch.from_numpy(some).to(self.full.device)
        images, full, targets = (tensor[chosen] for tensor in (self.images, self.full, self.targets))
        return Batch(images, full, targets, None, None, self.rows[some], self.epoch)


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

    A batch is that of the whole training: each of several processes takes its share of every one, so that together
    they see what one process alone would. A film's view hangs on `look`, the epoch and the film, on nothing else:
    trainings of one `look` see the same views in orders of their own, and a teacher need answer each of them once.
    """

    cohort: Cohort
    schedule: Schedule
    seed: int
    train: TrainConfig
    teacher_logits: np.ndarray | None = None
    device: torch.device = CPU
    share: Share = ALONE
    look: int = 0

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
        """This process's share of the batch of a step; the same for the same seeds and step."""
        rows, epoch = self.rows(step), self.schedule.epoch_of(step)
        mine = self.share.of(np.arange(len(rows)))
        full, targets, marks = self._mixed(rows, mine, step) if self.train.mixup else self._view(rows[mine], epoch)
        teacher = None if self.teacher_logits is None else torch.from_numpy(self.teacher_logits[rows[mine]]).float()
        return Batch(self._shrunk(full, step), full, targets, teacher, marks, rows[mine], epoch).to(self.device)

    def fingerprint(self) -> str:
        """A hash of the first views themselves: another look, or films changed by other amounts, is another one."""
        views, _, _ = self._view(self.train_rows[:PROBED], epoch=0)
        return hashlib.sha256(views.cpu().numpy().tobytes()).hexdigest()

    def _shrunk(self, full: Tensor, step: int) -> Tensor:
        """Views (B, 1, S, S) at the side of the step's epoch."""
        size = self.schedule.size_of(step)
        if size == full.shape[-1]:
            return full
        return torch.from_numpy(resized(full[:, 0].cpu().numpy(), size))[:, None]

    def _view(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor, Marks | None]:
        """Views (B, 1, S, S) of some films in an epoch at full size, their targets (B, K), and their lesions."""
        images = torch.from_numpy(np.asarray(self.cohort.images[rows]))
        views, targets = to_unit(images.to(self.device)), torch.from_numpy(self.cohort.targets[rows]).float()
        changed = rows.tolist() if self.train.augment or self.train.degrade else []
        each = [np.random.default_rng((self.look, epoch, row)) for row in changed]
        amounts = draw(each) if self.train.augment else None
        if amounts is not None:
            views = jitter_tones(move(views, amounts), amounts)
        if self.train.degrade:
            films = [degraded(view, rng) for view, rng in zip(views[:, 0].cpu().numpy(), each, strict=True)]
            views = torch.from_numpy(np.stack(films))[:, None].to(self.device)
        return views, targets, marks_of(self.cohort, rows, amounts) if self.train.lesions else None

    def _mixed(self, rows: np.ndarray, places: np.ndarray, step: int) -> tuple[Tensor, Tensor, None]:
        """The same with their partners mixed in, which may be of another process's share."""
        mixed = mixture(len(rows), self.train.mixup, np.random.default_rng((self.seed, step)))
        needed = np.union1d(places, mixed.partner[places])
        first, second = (np.searchsorted(needed, wanted) for wanted in (places, mixed.partner[places]))
        views, targets, _ = self._view(rows[needed], self.schedule.epoch_of(step))
        return mixed.of(views[first], views[second]), mixed.of(targets[first], targets[second]), None


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, n: int) -> np.ndarray:
    """The order of one epoch; cached, because every step of the epoch asks for it."""
    return np.random.default_rng((seed, epoch)).permutation(n)


def step_seed(seed: int, step: int) -> int:
    """A seed of 63 bits for whatever is random in one step."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))
