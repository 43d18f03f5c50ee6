"""Train one network with Lightning; go on from its last epoch when it was interrupted."""

from __future__ import annotations

import copy
import logging
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch import Tensor

from cxrkd.checksums import ChecksumError, check
from cxrkd.config import TrainConfig
from cxrkd.data.cohort import Cohort
from cxrkd.distill.loss import Loss
from cxrkd.errors import DataError
from cxrkd.models.classifier import Classifier
from cxrkd.progress import OnEvent
from cxrkd.train.allocator import keep_freed_memory
from cxrkd.train.asking import Ask, InTheLoop, cached, unasked
from cxrkd.train.batches import Batches
from cxrkd.train.callbacks import Checkpoint, EpochReport, KeepAnswers, Watch
from cxrkd.train.device import device
from cxrkd.train.module import Training
from cxrkd.train.norms import films, recount_norms
from cxrkd.train.once import OncePerView, answers_key
from cxrkd.train.schedule import Schedule, plan

CHECKPOINT = "last.ckpt"


@dataclass(frozen=True)
class FitReport:
    """What a call to `fit` did.

    Attributes:
        epochs: the epochs that this call ran; those before an interruption are in the events.
        resumed_epochs: epochs that a checkpoint had done already.
        val_auroc: macro AUROC on val after the last epoch, NaN if nothing was left to run.
        steps: optimiser steps of the whole training.
    """

    epochs: tuple[EpochReport, ...]
    resumed_epochs: int
    val_auroc: float
    steps: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def fit(
    model: Classifier,
    cohort: Cohort,
    train: TrainConfig,
    loss: Loss,
    *,
    teacher_logits: np.ndarray | None = None,
    teacher: Classifier | None = None,
    seed: int,
    work_dir: Path,
    on_event: OnEvent,
    devices: int = 1,
    nodes: int = 1,
    look: int | None = None,
    answers_dir: Path | None = None,
) -> FitReport:
    """Train `model` in place on the train split; the weights are those after the last epoch of the one-cycle schedule.

    With `train.average` they are the average of those after every step. Where images were changed while training, and
    for an average, the batch norms are counted again: on the images as they come, or where these are one sharpness
    among many (`train.degrade`) on what was seen, so that no other sharpness is a surprise.

    A checkpoint is written to `work_dir` after every epoch. When one is there, training goes on after it and ends with
    the weights of an uninterrupted run: batches, augmentation and dropout are functions of seed and step. One that is
    damaged is put away with a warning, and the training starts again.

    Args:
        model: any classifier; left on the CPU in evaluation mode.
        cohort: images and targets; needs a train and a val split.
        train: epochs, sizes, optimiser settings, precision.
        loss: trained in place too, where it owns parameters or state.
        teacher_logits: float32 (N, K) for every row of the cohort; None when the loss needs no teacher.
        teacher: asked about every view of every step instead; it answers at its own size and does not learn.
        seed: order of the images, augmentation and dropout.
        work_dir: where the checkpoint lives; nothing else is written.
        on_event: called with "progress", "epoch" and "warning" events.
        devices: processes on this node that share every batch, started by running the program that calls this once
            more for each (`python -m cxrkd.train`); `train.batch_size` stays what all processes of all nodes take
            together, and is a multiple of their number. Batch norms count the films of their own process; those of the
            first are kept.
        nodes: machines that run that program, each with a NODE_RANK of its own.
        look: seed of the views, where it is not that of the training: trainings of one `look` see the same views.
        answers_dir: where the teacher's answers about views are kept for others of the same `look`; None keeps none.

    Raises:
        DataError: the cohort has no training or no validation images, or neither labels nor a teacher to learn from.
        RunError: the loss stopped being a number.
    """
    keep_freed_memory()
    _refuse_nothing_to_learn(cohort, taught=loss.asks and (teacher is not None or teacher_logits is not None))
    schedule = plan(train, len(cohort.rows("train")), model.works_at, warm=_takes_warm_size(model, train, on_event))
    look = seed if look is None else look
    batches = Batches(cohort, schedule, seed, train, teacher_logits, device(), look=look)
    ask = cached if teacher is None else _ask(teacher, batches, loss, answers_dir)
    model.train()  # Lightning trains in the mode that it finds, and a network that was loaded is in the other
    training = Training(model.to(memory_format=torch.channels_last), cohort, batches, loss, train, schedule, ask)
    watch, checkpoint = Watch(on_event), work_dir / CHECKPOINT
    around = [watch, *([KeepAnswers(ask)] if isinstance(ask, OncePerView) else []), Checkpoint(checkpoint)]
    trainer = _trainer(schedule, train, work_dir, around, devices, nodes)
    last = _checkpoint(checkpoint, on_event)
    with _quiet(), torch.random.fork_rng():
        trainer.fit(training, ckpt_path=last, weights_only=True)
    if training.average is not None:
        model.load_state_dict(training.average.module.state_dict())
    if train.changes or training.average is not None:
        as_they_come = films(cohort, model.works_at, schedule.batch_size, seed)
        recount_norms(model.to(device()), _seen(batches) if train.degrade else as_they_come)
    model.cpu().eval()
    loss.cpu()
    return FitReport(tuple(watch.reports), schedule.epochs - len(watch.reports), training.val_auroc, schedule.steps)


def _checkpoint(path: Path, on_event: OnEvent) -> Path | None:
    """The checkpoint to go on from, if there is one that can be trusted."""
    if not path.exists():
        return None
    try:
        if not check(path) and (torn := _torn_part(path)) is not None:  # of a version that wrote no checksums
            raise ChecksumError(f"{path.name} is damaged: {torn} cannot be read.")
    except ChecksumError as error:
        path.unlink()
        on_event({"kind": "warning", "message": f"{error} This training starts again from its first epoch."})
        return None
    return path


def _torn_part(path: Path) -> str | None:
    """What a checkpoint without a checksum of the whole cannot give back; None where every part's own sum holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error) as error:
        return f"the archive ({error})"


def _refuse_nothing_to_learn(cohort: Cohort, *, taught: bool) -> None:
    """A training needs images on both sides, and labels where no teacher answers."""
    train, val = cohort.rows("train"), cohort.rows("val")
    if not len(train) or not len(val):
        raise DataError(f"{cohort.name}: expected images in train and val, got {len(train)} and {len(val)}")
    if not taught and np.isnan(cohort.targets[train]).all():
        raise DataError(
            f"{cohort.name}: none of the {len(train)} training images has a known label, and only a student under a "
            "teacher learns without any. Label some, or reuse a teacher and do not train the student alone."
        )


def _ask(teacher: Classifier, batches: Batches, loss: Loss, answers_dir: Path | None) -> Ask:
    """How the teacher is asked about views: about each once, where others will see it and want no more than logits.

    Not at all where it has no part in the loss.
    """
    train = batches.train
    if not loss.asks:
        return unasked

    def in_the_loop() -> InTheLoop:
        return InTheLoop(_for_views(teacher, batches) if train.changes else teacher, loss.needs)

    if answers_dir is None or train.mixup or loss.needs:  # a mixture is of one training alone
        return in_the_loop()
    views = f"{batches.fingerprint()}|{batches.schedule.batch_size}"  # whose size the teacher's norms hang on
    key = answers_key(teacher, batches.cohort, views)
    return OncePerView(in_the_loop, answers_dir, key, (len(batches.cohort), len(teacher.labels)))


def _for_views(teacher: Classifier, batches: Batches) -> Classifier:
    """A copy of a teacher with norms for the changed images that it is going to be asked about.

    In the order of the look, so that it is the same copy for every training that sees these views.
    """
    twin, first = copy.deepcopy(teacher).to(device()), replace(batches, seed=batches.look)
    recount_norms(twin, (first.at(step).full for step in range(batches.schedule.steps_per_epoch)))
    return twin


def _seen(batches: Batches) -> Iterator[Tensor]:
    """What was seen in the last epoch, in batches."""
    steps = range(batches.schedule.steps - batches.schedule.steps_per_epoch, batches.schedule.steps)
    return (batches.at(step).images for step in steps)


def _trainer(
    schedule: Schedule, train: TrainConfig, work_dir: Path, callbacks: list[L.Callback], devices: int, nodes: int
) -> L.Trainer:
    """A trainer that writes nothing on its own and prints nothing."""
    with _quiet():
        return L.Trainer(
            max_epochs=schedule.epochs,
            accelerator=device().type,
            devices=devices,
            num_nodes=nodes,
            strategy="ddp" if devices * nodes > 1 else "auto",
            use_distributed_sampler=False,  # every process goes through all steps, and takes its share of each
            precision=train.precision,
            plugins=[LightningEnvironment()],
            callbacks=callbacks,
            default_root_dir=work_dir,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )


def _takes_warm_size(model: Classifier, train: TrainConfig, on_event: OnEvent) -> bool:
    """Whether the network runs at the smaller size; some Transformers are tied to one size."""
    if not train.warm_epochs or train.warm_size >= model.works_at:
        return True
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, 1, train.warm_size, train.warm_size))
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        text = f"{model.arch} does not run at {train.warm_size} px ({reason}); all epochs run at {model.works_at} px."
        on_event({"kind": "warning", "message": text})
        return False
    return True


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning without its banner, tips and advice on loader workers: our loaders carry step numbers only."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        logger.setLevel(level)
