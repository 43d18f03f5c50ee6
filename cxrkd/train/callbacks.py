"""What happens around the steps: events for whoever watches, and a checkpoint after every epoch."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning as L

from cxrkd.atomic import replacing
from cxrkd.checksums import seal
from cxrkd.errors import DivergedError
from cxrkd.progress import Event, OnEvent
from cxrkd.train.device import hardware
from cxrkd.train.module import Running, Training
from cxrkd.train.once import OncePerView

PROGRESS_EVERY_S = 2.0


@dataclass(frozen=True)
class EpochReport:
    """One epoch: its number from 1, image size in pixels, mean losses, macro AUROC on val, seconds, speed, and where.

    `device` is the GPU's name or "cpu", `devices` how many processes shared each batch, on all nodes.
    `parts` are the means of what the loss is made of, by name and unweighted: "task" and one for each term.
    """

    epoch: int
    epochs: int
    size: int
    loss: float
    task: float
    distill: float
    val_auroc: float
    seconds: float
    images_per_s: float
    parts: dict[str, float]
    device: str = "cpu"
    devices: int = 1

    def to_event(self) -> Event:
        """The event of kind "epoch"; a part that is no number is null, as JSON has none for it."""
        parts = {name: value if math.isfinite(value) else None for name, value in self.parts.items()}
        return {"kind": "epoch", **asdict(self), "parts": parts}


class Watch(L.Callback):
    """Emits "progress" about every two seconds and "epoch" after each epoch; stops a training that diverged."""

    def __init__(self, on_event: OnEvent) -> None:
        self.on_event = on_event
        self.reports: list[EpochReport] = []
        self._first_step = self._epoch_step = self._progress_step = 0
        self._began = self._epoch_began = self._progress_at = time.monotonic()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clocks, at the step that a checkpoint left us at."""
        self._first_step = self._epoch_step = self._progress_step = trainer.global_step
        self._began = self._epoch_began = self._progress_at = time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Tell how far we are, if nothing was told for a while."""
        assert isinstance(pl_module, Training)  # narrows Lightning's type
        now = time.monotonic()
        if now - self._progress_at >= PROGRESS_EVERY_S or trainer.global_step == self._first_step + 1:
            _refuse_divergence(pl_module)
            self.on_event(self._progress(pl_module, trainer.global_step, now))
            self._progress_at, self._progress_step = now, trainer.global_step

    def _progress(self, training: Training, step: int, now: float) -> Event:
        schedule = training.schedule
        done, before = schedule.fraction(step), schedule.fraction(self._first_step)
        seconds = max(now - self._progress_at, 1e-9)
        return {
            "kind": "progress",
            "fraction": done,
            "eta_s": (now - self._began) * (1 - done) / (done - before),
            "images_per_s": (step - self._progress_step) * schedule.batch_size / seconds,
            "loss": training.last_loss,
        }

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Report the epoch. Lightning calls this again for the epoch a checkpoint was taken at: no steps, no report."""
        assert isinstance(pl_module, Training)  # narrows Lightning's type
        if pl_module.running.steps:
            _refuse_divergence(pl_module)
            self.reports.append(self._report(pl_module, trainer.global_step, trainer.world_size))
            self.on_event(self.reports[-1].to_event())
        pl_module.running = Running()
        self._epoch_step, self._epoch_began = trainer.global_step, time.monotonic()

    def _report(self, training: Training, step: int, processes: int) -> EpochReport:
        schedule, seconds = training.schedule, time.monotonic() - self._epoch_began
        images = (step - self._epoch_step) * schedule.batch_size
        return EpochReport(
            epoch=schedule.epoch_of(step - 1) + 1,
            epochs=schedule.epochs,
            size=schedule.size_of(step - 1),
            val_auroc=training.val_auroc,
            seconds=seconds,
            images_per_s=images / max(seconds, 1e-9),
            device=hardware(),
            devices=processes,
            **training.running.means(),
        )


def _refuse_divergence(training: Training) -> None:
    if not math.isfinite(training.last_loss):
        raise DivergedError(
            f"training diverged at step {training.global_step}: the loss is {training.last_loss}. "
            "Choose a lower learning rate."
        )


class KeepAnswers(L.Callback):
    """Has a teacher's answers written down after every epoch, before the checkpoint that says that it is done."""

    def __init__(self, answers: OncePerView) -> None:
        self.answers = answers

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep those of the epoch."""
        self.answers.keep()


class Checkpoint(L.Callback):
    """Saves everything needed to go on, after every epoch, in one step."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the checkpoint; the last whole one stays until the new one is whole. The first process writes."""
        if not trainer.is_global_zero:
            return trainer.save_checkpoint(self.path)  # waits for the first, and writes nothing
        with replacing(self.path) as part:
            trainer.save_checkpoint(part)
            seal(part)
