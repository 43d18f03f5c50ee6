"""Doing a stress test: every network of a run asked about films under each degradation.

The weights that are kept are asked, those of the first seed. Each degradation is a stage that leaves its logits behind,
so that a test that was stopped goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cxrkd.config import Member
from cxrkd.images.stress import STRESSES
from cxrkd.jobs.reporter import Reporter
from cxrkd.models.classifier import Classifier
from cxrkd.progress import Progress, counting
from cxrkd.runs.beside import write_arrays
from cxrkd.runs.films_asked import films_to_ask
from cxrkd.runs.stressing.job import CLEAN, FILMS, StressJob
from cxrkd.train.device import device
from cxrkd.train.predict import predict_logits

BATCH = 64
_GUESS_S = {"films": 1.0, "figures": 2.0}
_ASKING_S = 10.0  # a degradation, beside those; only the shares count until one was timed

Degrade = Callable[[np.ndarray, np.ndarray], np.ndarray]


def stress_run(job: StressJob, report: Reporter) -> None:
    """Do all that a stress test was asked, going on where it was stopped."""
    names = [CLEAN, *(stress.name for stress in STRESSES)]
    report.plan({**_GUESS_S, **dict.fromkeys(names, _ASKING_S)})
    run = job.run()
    with report.stage("films", "Preparing the films") as on_event:
        films = films_to_ask(run, job.config)
        films.cohort.prepare(counting(on_event))
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
            answers = ask_degraded(models, films.cohort.images, films.rows, degrade, counting(on_event))
            write_arrays(job.logits_path(name), {str(member): logits for member, logits in answers.items()})
    with report.stage("figures", "Measuring"):
        job.keep_figures(job.measure().to_dict())


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
