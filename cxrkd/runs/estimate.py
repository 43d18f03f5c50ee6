"""How long the stages of a run will take.

Three sources of speed, one sum: what finished runs of this machine took (`cxrkd.runs.paces`); where there are none, a
glance (a timed forward pass, for progress bars and forms); and `cxrkd.runs.speed` (real training steps, for plans of
days).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from cxrkd.config import READERS, RunConfig, TrainConfig
from cxrkd.data import cohort_size
from cxrkd.evaluate.record import Record
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.network import parts_of
from cxrkd.models.zoo import build
from cxrkd.runs.paces import Known, Past, Training, asked, known_pasts, trained
from cxrkd.runs.speed import Speed
from cxrkd.runtime.timing import milliseconds
from cxrkd.train.device import hardware
from cxrkd.train.schedule import epoch_sizes
from cxrkd.train.spread import Spread

TRAIN_OVER_FORWARD = 3.5  # a training step costs a forward pass, a backward pass of twice that, and the optimiser
RENDERED_PER_S, DECODED_PER_S = 40.0, 400.0
EVALUATION_S = 10.0
TRIVIAL_S = 0.003  # an image of 224 px: its spectrum, its thumbnail, and its share of the regressions
REFERENCE_FILMS, MAPS_OVER_FORWARD = 96, 2.0  # a map of every label costs about as much as the forward pass before it
PREPARED_S = 1.0  # to open what an earlier run has drawn or decoded
GLANCED, GLANCES, GLANCE_LASTS_S = 4, 3, 600.0
"""Images of a pass, passes, and how long the least of them is believed: the machine may have been busy."""


@dataclass(frozen=True)
class Pace:
    """Seconds an image at full size: to train on it, and to ask the network about it.

    Attributes:
        train_s: of a training step.
        predict_s: of an answer.
        fixed_s: what of `train_s` a smaller image takes as well; the rest shrinks with its pixels.
        runs: how many finished runs say so; 0 of a glance.
        scaled_from: side of the images that was measured, where that was one other side alone.
    """

    train_s: float
    predict_s: float
    fixed_s: float = 0.0
    runs: int = 0
    scaled_from: int | None = None

    @classmethod
    def of(cls, speed: Speed) -> Pace:
        """A measured speed as seconds."""
        return cls(1 / speed.train_images_s, 1 / speed.predict_images_s)


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
    return estimate(config, student_stages, images).stages


@dataclass(frozen=True)
class Estimate(Record):
    """How long a run will take.

    Attributes:
        stages: name -> seconds.
        basis: where that comes from, for people: `from 3 finished runs`.
    """

    stages: dict[str, float]
    basis: str

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(self.stages.values())


def estimate(config: RunConfig, student_stages: list[str], images: tuple[float, float] | None = None) -> Estimate:
    """Seconds of each stage by what finished runs of this machine took, and by a glance at what none of them trained.

    Args:
        config: of the run.
        student_stages: names of the stages that train a student.
        images: in all, and to train on; counted in the table when None.

    Raises:
        DataError: a data set of real radiographs is not as published.
        ConfigError: the environment spreads trainings in a way that they cannot be.
    """
    pasts = known_pasts()
    teacher, student = _teacher_pace(config, pasts), _student_pace(config, pasts)
    stages = stage_seconds(config, student_stages, images or cohort_size(config.data), teacher, student)
    if any(past.data == config.data for past in pasts):
        stages["data"] = PREPARED_S
    weighs = _learns(config) or config.objective.view == "same"  # else it is asked once about each film
    return Estimate(stages, basis(teacher if weighs else student, student))


def _learns(config: RunConfig) -> bool:
    """Whether the run trains its teacher."""
    return config.teacher_from is None and config.teacher_trained


def basis(teacher: Pace, student: Pace) -> str:
    """Where an estimate comes from, for people.

    >>> basis(Pace(1, 1, runs=3), Pace(1, 1, runs=1))
    'from 1 finished run'
    >>> basis(Pace(1, 1), Pace(1, 1, runs=2, scaled_from=64))
    'from 2 finished runs, scaled from 64 px, which may be off by a factor of two; the teacher by a guess from one pass'
    >>> basis(Pace(1, 1), Pace(1, 1))
    'a guess from one pass'
    """
    runs = [pace.runs for pace in (teacher, student) if pace.runs]
    if not runs:
        return "a guess from one pass"
    sides = sorted({pace.scaled_from for pace in (teacher, student) if pace.scaled_from is not None})
    scaled = f", scaled from {' and '.join(map(str, sides))} px, which may be off by a factor of two" if sides else ""
    guessed = [name for name, pace in (("teacher", teacher), ("student", student)) if not pace.runs]
    rest = f"; the {guessed[0]} by a guess from one pass" if guessed else ""
    return f"from {min(runs)} finished run{'' if min(runs) == 1 else 's'}{scaled}{rest}"


def _student_pace(config: RunConfig, pasts: list[Past]) -> Pace:
    side = config.student_works_at
    known = trained(pasts, _training("student", config.student_arch, config.student_train))
    if known is None:
        return _glance(config.student_arch, side)
    seconds, fixed = known.at(side)
    return _pace([known], seconds, seconds / TRAIN_OVER_FORWARD, fixed, side)


def _teacher_pace(config: RunConfig, pasts: list[Past]) -> Pace:
    """That of all its networks together; where it is not trained, what asking it takes is all that counts."""
    side, answers = config.data.image_size, asked(pasts, config.teacher_arch)
    predict_s = answers.at(side)[0] if answers else _glance(config.teacher_arch, side).predict_s
    if not _learns(config):
        return _pace([answers], predict_s * TRAIN_OVER_FORWARD, predict_s, 0.0, side)
    archs = parts_of(config.teacher_arch)
    known = [trained(pasts, _training("teacher", arch, config.teacher_train)) for arch in archs]
    times = [
        one.at(side) if one else (_glance(arch, side).train_s, 0.0) for arch, one in zip(archs, known, strict=True)
    ]
    return _pace(known, sum(whole for whole, _ in times), predict_s, sum(fixed for _, fixed in times), side)


def _pace(known: Sequence[Known | None], train_s: float, predict_s: float, fixed_s: float, side: int) -> Pace:
    """A pace with where it is from: from runs only if all of it is."""
    measured = [one for one in known if one is not None]
    if len(measured) < len(known):
        return Pace(train_s, predict_s, fixed_s)
    scaled_from = next((one.scaled_from(side) for one in measured if one.scaled_from(side)), None)
    return Pace(train_s, predict_s, fixed_s, min(one.runs for one in measured), scaled_from)


def _training(role: str, arch: str, train: TrainConfig) -> Training:
    here = Spread.here()
    processes = here.processes(train.batch_size, torch.cuda.device_count()) * here.nodes
    return Training(role, arch, train.precision, hardware(), processes)


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
    student_s = _training_s(config.student_train, n_train, student, config.student_works_at)
    teaching = _asked_s(config, n_train * teacher.predict_s, student_stages)
    along = _along_s(config, n_train * teacher.train_s)
    return {
        "data": n / (RENDERED_PER_S if READERS[config.data.kind].drawn else DECODED_PER_S),
        **_teacher_seconds(config, n_train, teacher),
        "teacher-logits": (n - n_train if config.objective.view == "same" else n) * teacher.predict_s,
        **{stage: student_s + teaching.get(stage, 0.0) + along * _distils(stage) for stage in student_stages},
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
    if not _learns(config):
        return {"teacher": 1.0}
    teacher_s = _training_s(config.teacher_train, n_train, pace, config.data.image_size)
    parts = len(parts_of(config.teacher_arch))
    if parts == 1:
        return {"teacher": teacher_s}
    return {**{f"teacher-{index + 1}": teacher_s / parts for index in range(parts)}, "teacher": 1.0}


def _training_s(train: TrainConfig, images: float, pace: Pace, size: int) -> float:
    growing_s = pace.train_s - pace.fixed_s
    return images * sum(pace.fixed_s + growing_s * (side / size) ** 2 for side in epoch_sizes(train, size))


def _glance(arch: str, size: int) -> Pace:
    """The pace over a small batch; a training step is taken as a multiple of it. Kept for ten minutes at most."""
    return _glanced(arch, size, int(time.monotonic() // GLANCE_LASTS_S))


@lru_cache(maxsize=64)  # a study asks about the same few networks again and again
def _glanced(arch: str, size: int, period: int) -> Pace:
    """The least of a few passes, after one run to warm up."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        model = build(arch, CHESTXRAY14, size).eval().to(memory_format=torch.channels_last)
        images = torch.zeros(GLANCED, 1, size, size)
        model(images)
        forward_s = min(milliseconds(lambda: model(images)) for _ in range(GLANCES)) / 1e3 / GLANCED
    return Pace(forward_s * TRAIN_OVER_FORWARD, forward_s)
