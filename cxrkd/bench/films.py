"""Films in files: how many a second are answered, decoding included, against asking PyTorch film by film."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import cv2
import numpy as np
import torch

from cxrkd.answers.engines import load_engines
from cxrkd.bench.plan import QUICK_SIZE, Plan
from cxrkd.bench.section import Goal, Section, compare
from cxrkd.bench.timing import interleave, stopwatch
from cxrkd.config import Member
from cxrkd.data.phantom import render
from cxrkd.images.files import bytes_of, film_of
from cxrkd.images.film import Film
from cxrkd.models.classifier import Classifier
from cxrkd.places import SAMPLES
from cxrkd.runs.panel import Work, answers_in_order
from cxrkd.runtime.protocol import Engine

P = ParamSpec("P")
R = TypeVar("R")
GOAL = Goal(10)
DRAWN, SIDE = 24, 1024
MANY = 1000
"""Films that are thought of: they decide how many workers there are."""


def films(plan: Plan) -> Iterator[Section]:
    """Both networks, then the student alone, on phantoms of 1024 pixels and the films that ship, as files.

    The student is held against itself in PyTorch, and against the paper's teacher, whom it replaces.
    """
    student: dict[Member, Classifier] = {"distilled": plan.student}
    both: dict[Member, Classifier] = {"teacher": plan.teacher, **student}
    with tempfile.TemporaryDirectory() as folder:
        paths = files_of(Path(folder), quick=plan.teacher.input_size == QUICK_SIZE)
        for models, theirs in ((both, both), (student, student), (student, {"teacher": plan.giant})):
            yield _section(plan, paths, models, theirs.values())


def files_of(folder: Path, *, quick: bool) -> list[Path]:
    """Drawn films of 1024 pixels as PNG, with as many of the real ones that ship, which have 320."""
    n, side = (4, 128) if quick else (DRAWN, SIDE)
    for number in range(n):
        cv2.imwrite(str(folder / f"{number:03}.png"), render(0, number, 0, side).pixels)
    return [*sorted(folder.glob("*.png")), *sorted(SAMPLES.glob("*.png"))[:n]]


@dataclass(frozen=True)
class Asked:
    """Engines, as `answers_in_order` asks them; counts where their time goes."""

    engines: Mapping[Member, Engine]
    seconds: defaultdict[str, float]

    def answers(self, films: Sequence[Film]) -> list[dict[Member, np.ndarray]]:
        """Logits (K,) by member of each film."""
        x = np.stack([film.pixels for film in films])[:, None]
        logits = {member: counted(self.seconds, member, engine.predict)(x) for member, engine in self.engines.items()}
        return [{member: own[n] for member, own in logits.items()} for n in range(len(films))]


def counted(seconds: defaultdict[str, float], what: str, call: Callable[P, R]) -> Callable[P, R]:
    """`call`, whose seconds of this thread are counted: what waits for another does not count."""

    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        began = time.thread_time()
        try:
            return call(*args, **kwargs)
        finally:
            seconds[what] += time.thread_time() - began

    return timed


def _section(
    plan: Plan, paths: Sequence[Path], models: Mapping[Member, Classifier], theirs: Collection[Classifier]
) -> Section:
    size, work, n = plan.student.input_size, Work.of(MANY), len(paths)
    asked = Asked(load_engines(models, threads=work.threads), defaultdict(float))

    def read(path: Path) -> Film:
        return counted(asked.seconds, "reading", film_of)(bytes_of(path), path.name, size)

    def ours() -> list[object]:
        return list(answers_in_order(paths, read, lambda: asked, work))

    timed = interleave(
        {"ours": stopwatch(ours), "theirs": stopwatch(lambda: _film_by_film(theirs, paths, size))},
        plan.rounds["films"],
    )
    asked.seconds.clear()
    ours()
    names = " and ".join(model.arch for model in theirs)
    on = ", ".join(f"{member} on {engine.name}" for member, engine in asked.engines.items())
    reading, ratio = asked.seconds["reading"], timed["theirs"].median_ms / timed["ours"].median_ms
    return compare(
        f"Films in files, {' and '.join(models)} against {names}",
        (f"classify, {n} files, {work.workers} workers, {on}", timed["ours"]),
        (f"the same files one by one, eager PyTorch ({names})", timed["theirs"]),
        goal=GOAL,
        detail={
            "films_a_second": {side: n / timing.median_ms * 1e3 for side, timing in timed.items()},
            "ms_a_film_of_one_core": {what: s / n * 1e3 for what, s in asked.seconds.items()},
        },
        # Shares of our own time: a machine that others use too makes both sides longer by the same.
        remark=f"Reading a film takes {reading / n * 1e3:.1f} ms of a core on either side: with networks that take no "
        f"time at all this ratio would be {ratio * sum(asked.seconds.values()) / reading:.1f}.",
    )


def _film_by_film(models: Collection[Classifier], paths: Sequence[Path], size: int) -> list[torch.Tensor]:
    """What a script does that knows nothing of engines: read a film, ask each network, take the next."""
    logits = []
    for path in paths:
        x = torch.from_numpy(film_of(bytes_of(path), path.name, size).pixels)[None, None]
        with torch.inference_mode():
            logits += [model(x) for model in models]
    return logits
