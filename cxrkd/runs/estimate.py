"""How long the stages of a run will take and how much disk it needs.

Two sources of speed, one sum: a glance (one timed forward pass, for progress bars and forms) and `cxrkd.runs.speed`
(real training steps, for plans of days).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from cxrkd.config import READERS, RunConfig, TrainConfig
from cxrkd.data import cohort_size
from cxrkd.data.readers.chestmnist import ChestMnistConfig, npz_path
from cxrkd.evaluate.record import Record
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.network import parts_of
from cxrkd.models.zoo import build
from cxrkd.runs.speed import Speed
from cxrkd.train.schedule import epoch_sizes

TRAIN_OVER_FORWARD = 3.5  # a training step costs a forward pass, a backward pass of twice that, and the optimiser
RENDERED_PER_S, DECODED_PER_S = 40.0, 400.0
EVALUATION_S = 10.0
TRIVIAL_S = 0.003  # an image of 224 px: its spectrum, its thumbnail, and its share of the regressions
REFERENCE_FILMS, MAPS_OVER_FORWARD = 96, 2.0  # a map of every label costs about as much as the forward pass before it
CHECKPOINT_BYTES, HALF_BYTES, WHOLE_BYTES = 12, 2, 4  # a weight with its two moments of AdamW; as float16; as float32


@dataclass(frozen=True)
class Pace:
    """Seconds an image at full size: to train on it, and to ask the network about it."""

    train_s: float
    predict_s: float

    @classmethod
    def of(cls, speed: Speed) -> Pace:
        """A measured speed as seconds."""
        return cls(1 / speed.train_images_s, 1 / speed.predict_images_s)


@dataclass(frozen=True)
class Disk(Record):
    """Bytes that a run needs below `CXRKD_HOME` (and `~/.medmnist`): each the most it can be."""

    download: int
    prepared: int
    checkpoints: int
    kept: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.download + self.prepared + self.checkpoints + self.kept


def stage_weights(
    config: RunConfig, student_stages: list[str], images: tuple[float, float] | None = None
) -> dict[str, float]:
    """Guessed seconds of each stage. Only their proportions matter: the guess is corrected as stages finish.

    Args:
        config: of the run.
        student_stages: names of the stages that train a student.
        images: in all, and to train on; counted in the table when None.

    Raises:
        DataError: a data set of real radiographs is not as published.
    """
    size = config.data.image_size
    teacher, student = _glance(config.teacher_arch, size), _glance(config.student_arch, config.student_works_at)
    return stage_seconds(config, student_stages, images or cohort_size(config.data), teacher, student)


def stage_seconds(
    config: RunConfig, student_stages: list[str], images: tuple[float, float], teacher: Pace, student: Pace
) -> dict[str, float]:
    """Seconds of each stage.

    Args:
        config: of the run.
        student_stages: names of the stages that train a student.
        images: in all, and to train on.
        teacher: pace of the teacher.
        student: pace of a student.
    """
    n, n_train = images
    trained = _training_s(config.student_train, n_train, student.train_s, config.student_works_at)
    asked = _asked_s(config, n_train * teacher.predict_s, student_stages)
    along = _along_s(config, n_train * teacher.train_s)
    return {
        "data": n / (RENDERED_PER_S if READERS[config.data.kind].drawn else DECODED_PER_S),
        **_teacher_seconds(config, n_train, teacher),
        "teacher-logits": (n - n_train if config.objective.view == "same" else n) * teacher.predict_s,
        **{stage: trained + asked.get(stage, 0.0) + along * _distils(stage) for stage in student_stages},
        "reference": n * TRIVIAL_S + REFERENCE_FILMS * MAPS_OVER_FORWARD * (teacher.predict_s + 2 * student.predict_s),
        "metrics": EVALUATION_S,
    }


def _asked_s(config: RunConfig, pass_s: float, student_stages: list[str]) -> dict[str, float]:
    """Seconds that a teacher of views answers in each stage that distils.

    Students of a run see the same views, so that the first one asks for all; unless they are mixed, or more is looked
    at than logits.
    """
    if config.objective.view != "same" or not config.objective.asks:
        return {}
    distilled = [stage for stage in student_stages if _distils(stage)]
    if not config.student_train.mixup and not config.objective.needs:
        distilled = distilled[:1]
    return dict.fromkeys(distilled, _passes(config) * pass_s)


def _distils(stage: str) -> bool:
    return stage.startswith("distilled")


def _along_s(config: RunConfig, epoch_s: float) -> float:
    """Seconds that a teacher learns along with one student, at full size in every epoch; 0 where none does."""
    train = config.student_train
    return (train.warm_epochs + train.epochs) * epoch_s * config.objective.trains_teacher


def _passes(config: RunConfig) -> int:
    """How often the teacher answers all training views of one student.

    Every epoch; where views are changed once more before, to count its norms on them.
    """
    train = config.student_train
    return train.warm_epochs + train.epochs + bool(train.changes)


def _teacher_seconds(config: RunConfig, n_train: float, pace: Pace) -> dict[str, float]:
    """Seconds of the stages that train the teacher; `pace` is that of all its networks together."""
    if config.teacher_from is not None or not config.teacher_trained:
        return {"teacher": 1.0}
    trained = _training_s(config.teacher_train, n_train, pace.train_s, config.data.image_size)
    parts = len(parts_of(config.teacher_arch))
    if parts == 1:
        return {"teacher": trained}
    return {**{f"teacher-{index + 1}": trained / parts for index in range(parts)}, "teacher": 1.0}


def disk(config: RunConfig, n_images: float, n_labels: int, teacher_params: int, student_params: int) -> Disk:
    """Bytes on disk while the run is at its largest.

    Args:
        config: of the run.
        n_images: images in all.
        n_labels: K.
        teacher_params: weights of the teacher.
        student_params: weights of a student.
    """
    size, n, download = config.data.image_size, int(n_images), 0
    if isinstance(config.data, ChestMnistConfig) and not npz_path(config.data).exists():
        download = n * config.data.size**2  # the file is compressed by about a quarter
    along = teacher_params * config.objective.trains_teacher
    logits = 4 * n * n_labels * (1 + len(config.seeds) * (2 if config.control else 1))
    return Disk(
        download=download,
        prepared=0 if READERS[config.data.kind].drawn else n * size**2,
        checkpoints=CHECKPOINT_BYTES * max(teacher_params, student_params + along),
        kept=HALF_BYTES * (teacher_params + 2 * student_params) + WHOLE_BYTES * along + logits,
    )


def existing_parent(path: Path) -> Path:
    """The nearest folder above `path`, or itself, that exists: whose disk `path` will be on."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())


def _training_s(train: TrainConfig, images: float, image_s: float, size: int) -> float:
    epochs = sum((side / size) ** 2 for side in epoch_sizes(train, size))
    return images * epochs * image_s


@cache  # a study asks about the same few networks again and again
def _glance(arch: str, size: int) -> Pace:
    """The pace over a small batch, after one run to warm up; a training step is taken as a multiple of it."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        model = build(arch, CHESTXRAY14, size).eval().to(memory_format=torch.channels_last)
        images = torch.zeros(4, 1, size, size)
        model(images)
        began = time.perf_counter()
        model(images)
    forward_s = (time.perf_counter() - began) / len(images)
    return Pace(forward_s * TRAIN_OVER_FORWARD, forward_s)
