"""How fast trainings were on this machine: seconds an image, as finished runs of its own wrote them down.

A step costs something whatever the size of its images, and the rest in proportion to their pixels: over 64 to 224 px
this line holds to 5 % for DenseNet121 and EEEA-Net-C2 on two cores, while proportion alone is wrong by a factor of two
(docs/experiments.md, seconds of the shipped phantom run).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import islice
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from cxrkd.config import DataConfig, RunConfig
from cxrkd.errors import CxrkdError
from cxrkd.jobs.environment import machine
from cxrkd.jobs.events import EVENTS
from cxrkd.jobs.job import ENVIRONMENT
from cxrkd.models.network import parts_of
from cxrkd.progress import Event
from cxrkd.runs.run import Run, list_own_runs
from cxrkd.runs.seen import FILE as SEEN
from cxrkd.runs.seen import read_seen

NEWEST = 3
"""Runs that are asked: what was measured long ago, or on a machine that was busy once, does not count."""


class Training(NamedTuple):
    """What trainings must have in common to take as long an image.

    Attributes:
        role: "teacher" or "student".
        arch: of the network, one alone.
        precision: as its settings say.
        device: name of the GPU, or "cpu".
        processes: that share a batch.
    """

    role: str
    arch: str
    precision: str
    device: str
    processes: int


Sides = Mapping[int, float]
"""Side of the images in pixels -> seconds an image."""


@dataclass(frozen=True)
class Known:
    """Seconds an image that finished runs took.

    Attributes:
        sides: side of the images -> median of the runs.
        runs: how many were asked.
    """

    sides: Sides
    runs: int

    def at(self, side: int) -> tuple[float, float]:
        """Seconds an image of a side, and what of them does not hang on the side: 0 where one side alone is known."""
        fixed, a_pixel = _line(self.sides)
        return self.sides.get(side, fixed + a_pixel * side**2), fixed

    def scaled_from(self, side: int) -> int | None:
        """The one side that another is worked out from, in proportion to pixels alone; None where more is known."""
        return None if side in self.sides or len(self.sides) > 1 else next(iter(self.sides))


@dataclass(frozen=True)
class Past:
    """What a finished run tells of the runs after it.

    Attributes:
        data: what it was made on, which is drawn or decoded since.
        trained: what trainings had in common -> seconds an image.
        teacher: the network, or networks, that was asked about every image.
        asked: seconds an image of that; empty where its answers were there already.
    """

    data: DataConfig
    trained: Mapping[Training, Sides]
    teacher: str
    asked: Sides = field(default_factory=dict)


def known_pasts() -> list[Past]:
    """Of every finished run that was made here and on this machine, newest first; what cannot be read is left out.

    Raises:
        RunError: the folder of runs cannot be read.
    """
    done = (run for run in list_own_runs() if run.state.status == "done")
    return [past for run in done if (past := _past(run, _changed(run))) is not None]


def trained(pasts: Iterable[Past], training: Training) -> Known | None:
    """What the newest runs with such a training took; None where there is none."""
    return _known(pasts, lambda past: past.trained.get(training, {}))


def asked(pasts: Iterable[Past], teacher: str) -> Known | None:
    """What asking a teacher took in the newest runs that did."""
    return _known(pasts, lambda past: past.asked if past.teacher == teacher else {})


def _known(pasts: Iterable[Past], sides_of: Callable[[Past], Sides]) -> Known | None:
    newest = list(islice(filter(None, map(sides_of, pasts)), NEWEST))
    if not newest:
        return None
    sides = sorted({side for sides in newest for side in sides})
    return Known({side: median(sides[side] for sides in newest if side in sides) for side in sides}, len(newest))


def _line(sides: Sides) -> tuple[float, float]:
    """Seconds an image whatever its size, and seconds a pixel: the line nearest to what was measured."""
    pixels, seconds = np.square(np.fromiter(sides, float)), np.fromiter(sides.values(), float)
    if len(sides) > 1:
        slope, fixed = np.polyfit(pixels, seconds, 1)
        if slope > 0:
            return float(np.clip(fixed, 0, seconds.min())), float(slope)
    return 0.0, float(seconds[-1] / pixels[-1])


def _changed(run: Run) -> tuple[int, ...]:
    """Other numbers when what is read of a run was written again."""
    paths = (run.path / EVENTS, run.path / ENVIRONMENT)
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


@cache
def _this_machine() -> dict[str, object]:
    return machine()


@lru_cache(maxsize=256)
def _past(run: Run, changed: tuple[int, ...]) -> Past | None:
    """What a run tells; None of another machine, or where something cannot be read."""
    try:
        made_on = run.environment()
        if any(made_on.get(name) != value for name, value in _this_machine().items()):
            return None
        events, config = run.events(), run.config
        return Past(config.data, _trainings(config, events), config.teacher_arch, _asking(run, events))
    except CxrkdError:
        return None


def _trainings(config: RunConfig, events: Sequence[Event]) -> dict[Training, Sides]:
    times: dict[Training, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        if event["kind"] == "epoch" and (speed := event.get("images_per_s")) and (side := event.get("size")):
            for training in _training_of(config, event):
                times[training][side].append(1 / speed)
    return {training: {side: median(each) for side, each in sides.items()} for training, sides in times.items()}


def _training_of(config: RunConfig, event: Event) -> Iterator[Training]:
    """What an epoch was of; nothing of one in which a teacher was asked as well.

    Older runs did not write down where they trained: they did in one process, and without a GPU they count here.
    """
    where = str(event.get("device") or "cpu"), int(event.get("devices") or 1)
    member = event.get("member")
    if member == "teacher":
        archs, number = parts_of(config.teacher_arch), str(event.get("stage")).rpartition("-")[2]
        arch = archs[int(number) - 1] if number.isdecimal() and 0 < int(number) <= len(archs) else archs[0]
        yield Training("teacher", arch, config.teacher_train.precision, *where)
    elif member == "alone" or (member == "distilled" and not _asks(config, event.get("seed"))):
        yield Training("student", config.student_arch, config.student_train.precision, *where)


def _asks(config: RunConfig, seed: Any) -> bool:
    """Whether a teacher answers, shows maps or learns while a student does; answers are kept for students after it."""
    kept = not config.student_train.mixup and seed != config.seeds[0]
    return bool(config.objective.wants) or (config.objective.view == "same" and not kept)


def _asking(run: Run, events: Sequence[Event]) -> Sides:
    """Seconds an image of asking the teacher, from the first batch to the last; nothing where answers were kept."""
    attempts = [steps for steps in _attempts(events, "teacher-logits") if steps[-1][1] > steps[0][1]]
    if not attempts or not (run.path / SEEN).exists():  # runs of older versions
        return {}
    (began, first), (ended, last) = attempts[-1][0], attempts[-1][-1]
    split = read_seen(run).split
    images = int((split != "train").sum()) if run.config.objective.view == "same" else len(split)
    return {run.config.data.image_size: (ended - began) / ((last - first) * images)} if ended > began else {}


def _attempts(events: Sequence[Event], stage: str) -> list[list[tuple[float, float]]]:
    """When, and what share of a stage was done: of each time that it was begun and got anywhere."""
    attempts: list[list[tuple[float, float]]] = []
    for event in events:
        if event.get("stage") == stage and event["kind"] == "stage":
            attempts.append([])
        elif event.get("stage") == stage and event["kind"] == "progress" and attempts:
            attempts[-1].append((event["t"], event["fraction"]))
    return [steps for steps in attempts if steps]
