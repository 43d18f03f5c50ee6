"""Making and doing a stress test: every network of a run asked about films under each degradation.

The weights that are kept are asked, those of the first seed. Each degradation is a stage that leaves its logits behind,
so that a test that was stopped goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cxrkd.access.confine import unsaid
from cxrkd.access.folders import folder_of
from cxrkd.config import READERS, DataConfig, Member
from cxrkd.data import is_here
from cxrkd.data.cohort import Cohort
from cxrkd.errors import DataError, RunError
from cxrkd.images.stress import STRESSES
from cxrkd.jobs import queue
from cxrkd.jobs.job import list_own_jobs
from cxrkd.jobs.reporter import Reporter
from cxrkd.labels import label_key
from cxrkd.models.classifier import Classifier
from cxrkd.progress import OnEvent, Progress
from cxrkd.runs.reference import cohort_of
from cxrkd.runs.run import Run, open_run
from cxrkd.runs.stress_job import ASKED, ASKED_VERSION, CLEAN, FILMS, StressConfig, StressJob, write_arrays
from cxrkd.train.device import device
from cxrkd.train.predict import predict_logits

BATCH = 64
_GUESS_S = {"films": 1.0, "figures": 2.0}
_ASKING_S = 10.0  # a degradation, beside those; only the shares count until one was timed

Degrade = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class StressFilms:
    """The N films of a stress test.

    Attributes:
        cohort: where they are.
        rows: int (N,), which of it.
        targets: float32 (N, K) of the run's labels; NaN of those that the data set does not know.
    """

    cohort: Cohort
    rows: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)


def create_stress(run: Run, data: DataConfig | None = None, folder: Path | None = None) -> StressJob:
    """Make the folder of a stress test that nothing executes yet.

    Args:
        run: finished.
        data: other films than the run's own test films.
        folder: where the run's own data set is, if not where its config says.

    Raises:
        RunError: the run has no networks, or the folder cannot be written.
        DataError: the films are not on this machine.
    """
    if not run.members():
        raise RunError(f"{run.id} has no networks to test: let the run finish or restore its weights")
    if data is None and folder is None and not is_here(run.config.data):
        raise DataError(
            f"The films of {run.id} are not where it found them. Say where its data set is now: --folder DIR."
        )
    asked = asked_for(run, data, folder)
    recorded = {"version": ASKED_VERSION, **asked.model_dump(mode="json")}
    return StressJob(queue.create("stress", f"{run.id} stress", {ASKED: recorded}))


def asked_for(run: Run, data: DataConfig | None = None, folder: Path | None = None) -> StressConfig:
    """What a stress test of a run is asked; the run by its id where that leads to it."""
    try:
        known = open_run(run.id).path == run.path
    except RunError:
        known = False
    where = None if folder is None else folder.expanduser().absolute()
    return StressConfig(run=run.id if known else str(run.path), data=data, folder=where)


def find_stress(asked: StressConfig) -> StressJob | None:
    """The newest stress test of this machine that was asked exactly this, finished or not."""
    jobs = (job for job in list_own_jobs() if isinstance(job, StressJob))
    return next((job for job in jobs if job.state.status != "unreadable" and job.config == asked), None)


def stress_run(job: StressJob, report: Reporter) -> None:
    """Do all that a stress test was asked, going on where it was stopped."""
    names = [CLEAN, *(stress.name for stress in STRESSES)]
    report.plan({**_GUESS_S, **dict.fromkeys(names, _ASKING_S)})
    run = job.run()
    with report.stage("films", "Preparing the films") as on_event:
        films = stress_films(run, job.config)
        films.cohort.prepare(_counting(on_event))
        known = {"ids": films.cohort.ids, "patients": films.cohort.patients}
        write_arrays(
            job.path / FILMS,
            {**{name: column[films.rows].astype(str) for name, column in known.items()}, "targets": films.targets},
        )
    models = {member: run.load_model(member).to(device()) for member in run.members()}
    asked: list[tuple[str, str, Degrade]] = [(CLEAN, "Films as they came", _as_they_came)]
    for name, title, degrade in asked + [(stress.name, stress.title, stress) for stress in STRESSES]:
        if report.is_done(name) and job.logits_path(name).exists():
            report.skip(name)
            continue
        with report.stage(name, title) as on_event:
            answers = ask_degraded(models, films.cohort.images, films.rows, degrade, _counting(on_event))
            write_arrays(job.logits_path(name), {str(member): logits for member, logits in answers.items()})
    with report.stage("figures", "Measuring"):
        job.write_figures()


def stress_films(run: Run, asked: StressConfig) -> StressFilms:
    """The films that a stress test is about: the run's own test films, or those of another data set.

    Of another data set it is the test split, or all where it has none; findings are matched by name.

    Raises:
        DataError: the data set is not here, is another one than the run was measured on, or shares no finding with it.
    """
    if asked.data is None:
        cohort = cohort_of(run, asked.folder)
    else:
        with nullcontext() if folder_of(asked.data) is None else unsaid():
            cohort = READERS[asked.data.kind].read(asked.data, None)
    rows = cohort.rows("test")
    rows = rows if len(rows) else np.arange(len(cohort))
    place = {label_key(label): k for k, label in enumerate(cohort.labels)}
    targets = np.full((len(rows), len(run.labels)), np.nan, np.float32)
    shared = [k for k, label in enumerate(run.labels) if label_key(label) in place]
    if not shared:
        raise DataError(
            f"{cohort.name} knows none of the findings of {run.id} ({', '.join(run.labels)}); expected one at least. "
            "Name its columns after them."
        )
    for k in shared:
        targets[:, k] = cohort.targets[rows, place[label_key(run.labels[k])]]
    return StressFilms(cohort, rows, targets)


def ask_degraded(
    models: dict[Member, Classifier],
    images: np.ndarray,
    rows: np.ndarray,
    degrade: Degrade,
    progress: Progress | None = None,
) -> dict[Member, np.ndarray]:
    """Logits float32 (n, K) of each network on degraded films, a batch at a time.

    Args:
        models: the networks.
        images: uint8 (N, S, S).
        rows: int (n,), the films to ask about; a film's number is its row.
        degrade: films (B, S, S) and their numbers (B,) -> uint8 (B, S, S).
        progress: called with (films done, all).

    Raises:
        AnswerError: a network gives no number.
    """
    answers: dict[Member, list[np.ndarray]] = {member: [] for member in models}
    for start in range(0, len(rows), BATCH):
        numbers = rows[start : start + BATCH]
        batch = degrade(np.asarray(images[numbers]), numbers)
        for member, model in models.items():
            answers[member].append(predict_logits(model, batch, BATCH))
        if progress is not None:
            progress(start + len(numbers), len(rows))
    return {member: np.concatenate(parts) for member, parts in answers.items()}


def _as_they_came(films: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return films


def _counting(on_event: OnEvent) -> Progress:
    """Progress as `(done, total)` turned into events."""
    return lambda done, total: on_event({"kind": "progress", "fraction": done / max(total, 1)})
