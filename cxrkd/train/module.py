"""The Lightning module: a classifier, its loss, and batches that are found by step number."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader

from cxrkd.config import TrainConfig
from cxrkd.data.cohort import Cohort
from cxrkd.distill.loss import Loss, LossBreakdown
from cxrkd.distill.shuffled import derangement
from cxrkd.images.resizing import resized
from cxrkd.models.classifier import Classifier
from cxrkd.models.views import Views, views
from cxrkd.train.asking import Ask, cached
from cxrkd.train.average import averaged
from cxrkd.train.batches import Batch, Batches, step_seed, to_unit
from cxrkd.train.ranks import ALONE, Share, interleaved
from cxrkd.train.schedule import Schedule
from cxrkd.train.validation import macro_auroc

WARM_UP = 0.15  # of the steps; runs are short, and the default 0.3 leaves too few at a useful rate
CLIP_NORM = 1.0


@dataclass
class Running:
    """Sums of a loss and its parts over the batches of one epoch."""

    steps: int = 0
    names: tuple[str, ...] = ()
    sums: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))

    def add(self, names: Iterable[str], values: Tensor) -> None:
        """Count one batch: loss, task, distill, and the parts of those names."""
        self.steps += 1
        self.names = tuple(names)
        self.sums = self.sums + values.detach().cpu()

    def means(self) -> dict[str, Any]:
        """Means of loss, task and distill, and of the named parts as `parts`; at least one batch was counted."""
        loss, task, distill, *parts = (self.sums / self.steps).tolist()
        return {"loss": loss, "task": task, "distill": distill, "parts": dict(zip(self.names, parts, strict=True))}


class Training(L.LightningModule):
    """Trains one classifier. The loaders carry step numbers only; `Batches` turns a step into images."""

    def __init__(
        self,
        model: Classifier,
        cohort: Cohort,
        batches: Batches,
        loss: Loss,
        train: TrainConfig,
        schedule: Schedule,
        ask_teacher: Ask = cached,
    ) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        self.average = averaged(model, train.average) if train.average else None
        self.cohort, self.batches, self.settings, self.schedule = cohort, batches, train, schedule
        self.ask_teacher = ask_teacher  # a function: Lightning would train and save a network
        self.running = Running()
        self.last_loss = math.nan
        self.val_auroc = math.nan
        self.val_rows, self.share = cohort.rows("val"), ALONE
        self._val_logits: list[Tensor] = []

    def setup(self, stage: str) -> None:
        """Take this process's share of every batch, and of the validation films."""
        self.share = Share(self.global_rank, self.trainer.world_size)
        self.batches = replace(self.batches, share=self.share)

    def train_dataloader(self) -> DataLoader:
        """Step numbers of one epoch."""
        return DataLoader(range(self.schedule.steps_per_epoch), batch_size=None)  # type: ignore[arg-type]

    def val_dataloader(self) -> DataLoader:
        """Start rows of the validation batches, in this process's share."""
        n = max(1, len(self.share.of(self.val_rows)))  # a process without any must not miss the exchange of answers
        return DataLoader(range(0, n, self.schedule.batch_size), batch_size=None)  # type: ignore[arg-type]

    def training_step(self, _: int) -> Tensor:
        """Loss of the batch of the current step. What is random in the network is seeded by step, for exact resume."""
        moment = self.global_step * self.share.world + self.share.rank  # no two processes drop out alike
        torch.manual_seed(step_seed(self.batches.seed + 1, moment))
        batch = self.batches.at(self.global_step)
        marks, covered = (None, None) if batch.marks is None else (batch.marks.pairs, batch.marks.covered)
        student = views(self.model, batch.images, self.loss.needs, create_graph=True, marked=marks)
        progress = self.global_step / self.schedule.steps
        loss: LossBreakdown = self.loss(student, self._taught(batch), batch.targets, progress, covered)
        # A mean over processes: all of them report, and give up on, the same loss.
        means = self._mean(torch.stack([loss.total, loss.task, loss.distill, *loss.parts.values()]).detach().double())
        self.running.add(loss.parts, means)
        self.last_loss = means[0].item()
        return loss.total

    def _taught(self, batch: Batch) -> Views | None:
        """What the teacher says of the batch; of other images of it where its answers are shuffled."""
        teacher = self.ask_teacher(batch)
        if teacher is None or not self.loss.shuffled:
            return teacher
        rng = np.random.default_rng((self.batches.seed, self.global_step, self.share.rank))
        return teacher.of(torch.from_numpy(derangement(len(teacher.logits), rng)).to(teacher.logits.device))

    def _mean(self, values: Tensor) -> Tensor:
        if self.share.world == 1:
            return values
        return torch.as_tensor(self.trainer.strategy.reduce(values, reduce_op="mean"))

    def on_train_batch_end(self, *_: Any) -> None:
        """Let an objective, and an average, look at the student that the step has made."""
        self.loss.after_step(self.model)
        if self.average is not None:
            self.average.update_parameters(self.model)

    def validation_step(self, start: int) -> None:
        """Keep the logits of one validation batch, at the image size of the epoch."""
        rows = self.share.of(self.val_rows)[start : start + self.schedule.batch_size]
        if not len(rows):
            return
        size = self.schedule.size_of(self.global_step - 1)
        images = to_unit(resized(np.asarray(self.cohort.images[rows]), size))
        self._val_logits.append(self.model(images.to(self.device)).float().cpu())

    def on_validation_epoch_end(self) -> None:
        """Macro AUROC over the validation split, each film counted once; before the epoch is saved."""
        n, targets = len(self.val_rows), torch.from_numpy(self.cohort.targets[self.val_rows])
        mine = self.share.padded(torch.cat([targets[:0], *self._val_logits]), n)  # a share may be empty
        parts = torch.as_tensor(self.all_gather(mine.to(self.device))).cpu().reshape(self.share.world, *mine.shape)
        self.val_auroc = macro_auroc(interleaved(list(parts), n), targets)
        self._val_logits.clear()
        self.loss.after_epoch(self.model, self.val_auroc)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW under a one-cycle schedule (up, then down, in straight lines); biases and norms are not decayed."""
        optimizer = torch.optim.AdamW(self._groups(), lr=self.settings.learning_rate, fused=True)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=max(self.schedule.steps, 2),
            pct_start=WARM_UP,
            anneal_strategy="linear",  # a cosine would leave the last epochs, the full-size ones, almost no rate
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    def _groups(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = []
        for rate, parameters in self._networks():
            lr = rate * self.settings.learning_rate
            many, few = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]
            groups.append({"params": many, "lr": lr, "weight_decay": self.settings.weight_decay})
            groups.append({"params": few, "lr": lr, "weight_decay": 0.0})
        return groups

    def _networks(self) -> list[tuple[float, list[nn.Parameter]]]:
        """What learns as one: the student and what is learned with it, then each teacher that learns along.

        Each with its share of the learning rate.
        """
        learners = self.loss.learners
        apart = {p for learner in learners for p in learner.parameters()}
        owners = (self.model, self.loss)  # in this order: checkpoints number the parameters
        student = [p for owner in owners for p in owner.parameters() if p.requires_grad and p not in apart]
        return [(1.0, student), *((kept.rate, [p for p in kept.parameters() if p.requires_grad]) for kept in learners)]

    def configure_gradient_clipping(self, optimizer: torch.optim.Optimizer, *_: Any, **__: Any) -> None:
        """Clip here, because Lightning refuses to clip for a fused optimiser under mixed precision.

        Each by its own norm: a student must not take shorter steps where its teacher takes long ones.
        """
        for _rate, parameters in self._networks():
            torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
