"""Doing a search: students trained one after another, each under settings that Optuna proposes from the last ones.

A trial that a kill left behind goes on in its own folder after its last epoch. What is proposed hangs on the seed, the
number of the trial and the trials before it, so that a search that was stopped tries what an unbroken one tries.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from cxrkd.config import RunConfig
from cxrkd.data import load_cohort
from cxrkd.data.cohort import Cohort
from cxrkd.errors import ConfigError, DivergedError, RunError
from cxrkd.jobs.files import write_json
from cxrkd.jobs.reporter import Reporter
from cxrkd.models.classifier import Classifier
from cxrkd.places import home
from cxrkd.progress import Event, OnEvent, counting
from cxrkd.refusals import refusals
from cxrkd.runs.facts import facts_of
from cxrkd.runs.run import CONFIG_VERSION, Run, open_run
from cxrkd.runs.searching.config import Range, SearchConfig
from cxrkd.runs.searching.job import BEST, STORE, TRIALS, VERSION, Search, Trial, Trials, best
from cxrkd.runs.spreading import spread_here
from cxrkd.runs.stages import fit_member, fresh_student
from cxrkd.text import cut
from cxrkd.train.device import device
from cxrkd.train.spread import Spread
from cxrkd.train.task import Task
from cxrkd.train.teacher_cache import teacher_logits

if TYPE_CHECKING:
    import optuna

UNPRUNED = 4
"""Trials before any is given up: a median of fewer says little."""
WHY = "why"
UNDEFINED = "no finding has both positive and negative validation films, so that there is no AUROC to judge it by"


def search_run(job: Search, report: Reporter) -> None:
    """Do all that a search was asked, going on where it was stopped.

    Raises:
        ConfigError: the teacher answers other labels than the films have.
        RunError: no trial was trained to the end; or this process is one of several nodes.
    """
    config = job.config
    if Spread.here().nodes > 1:
        raise RunError("A search trains on one machine: leave CXRKD_NUM_NODES unset, --devices may be given.")
    report.plan({"data": 1.0, **{f"trial-{number}": 10.0 for number in range(config.trials)}})
    with report.stage("data", "Preparing the data") as on_event:
        cohort = load_cohort(config.base.data, counting(on_event))
        cohort.prepare(counting(on_event))
    source = open_run(str(config.base.teacher_from))
    if source.labels != cohort.labels:
        raise ConfigError(
            f"The teacher of {source.id} answers {_listed(source.labels)}, these films have {_listed(cohort.labels)}: "
            "search on films of its labels, such as its own."
        )
    with _stored(job):
        study = _study(job)
        for number in range(config.trials):
            if number < len(study.trials) and study.trials[number].state.is_finished():
                report.skip(f"trial-{number}")
                continue
            title = f"Trial {number + 1} of {config.trials}"
            with report.stage(f"trial-{number}", title, member="distilled", seed=config.base.seeds[0]) as on_event:
                _try(job, study, number, source, cohort, on_event)
        trials = _table(study, config)
    _keep(job, trials)


def _listed(labels: Sequence[str]) -> str:
    return cut(", ".join(labels), 200)


@contextmanager
def _stored(job: Search) -> Iterator[None]:
    """Around what reads and writes the study.

    Raises:
        RunError: its file is damaged, or cannot be written.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        why = " ".join(str(getattr(error, "orig", None) or error).split())[:160]
        raise RunError(
            f"{job.id}: {STORE} cannot be used ({why}). Where it is damaged, restore it from a copy, or remove it: the "
            "search then starts again from its first trial."
        ) from error


def _study(job: Search) -> optuna.Study:
    """The study of a search, made when it is first asked for."""
    import optuna  # a second of imports

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        storage=f"sqlite:///{job.store}",
        study_name=job.config.name,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED),
        load_if_exists=True,
    )


def _try(job: Search, study: optuna.Study, number: int, source: Run, cohort: Cohort, on_event: OnEvent) -> None:
    """Train one student, and tell the study how it went."""
    import optuna

    trial, state = _trial(study, job.config, number), optuna.trial.TrialState
    work = job.path / "work" / f"trial-{number}"
    values = {key: _proposed(trial, key, tried) for key, tried in job.config.ranges.items()}
    try:
        _train(job, job.config.settings_with(values), source, cohort, work, _watched(trial, on_event))
        study.tell(trial, _last(study, number))
    except optuna.TrialPruned:
        study.tell(trial, state=state.PRUNED)
    except (ValidationError, ConfigError, DivergedError) as error:
        why = _contradiction(error) if isinstance(error, ValidationError) else str(error)
        trial.set_user_attr(WHY, why)
        on_event({"kind": "warning", "message": f"This trial failed: {why}"})
        study.tell(trial, state=state.FAIL)
    shutil.rmtree(work, ignore_errors=True)  # only now that the study knows


def _contradiction(error: ValidationError) -> str:
    """Which settings do not go together."""
    return " ".join(refusals(error, lambda key: key).values())


def _trial(study: optuna.Study, config: SearchConfig, number: int) -> optuna.Trial:
    """The trial of a number: a new one, or the one that a kill left behind, with what it proposed and reported."""
    import optuna

    study.sampler = optuna.samplers.TPESampler(seed=config.seed + number)
    if number < len(study.trials):
        return optuna.Trial(study, study.trials[number]._trial_id)
    return study.ask()


def _proposed(trial: optuna.Trial, key: str, tried: Range) -> Any:
    if tried.choice is not None:
        return trial.suggest_categorical(key, tried.choice)
    if tried.ints is not None:
        return trial.suggest_int(key, *tried.ints, log=tried.log)
    assert tried.floats is not None  # one of the three, says its validator
    return trial.suggest_float(key, *tried.floats, log=tried.log)


def _watched(trial: optuna.Trial, on_event: OnEvent) -> OnEvent:
    """Events on their way, with each epoch reported to the study, which may give the trial up."""
    import optuna

    known = set(trial.study.trials[trial.number].intermediate_values)

    def watch(event: Event) -> None:
        on_event(event)
        if event["kind"] != "epoch":
            return
        if event["epoch"] not in known:  # a kill may have come between this and the checkpoint
            trial.report(event["val_auroc"], event["epoch"])
        if trial.should_prune():
            raise optuna.TrialPruned

    return watch


def _last(study: optuna.Study, number: int) -> float:
    """The AUROC on val after the last epoch of a trial.

    Raises:
        ConfigError: it is not defined.
    """
    value = _latest(study.trials[number].intermediate_values)
    if value is None:
        raise ConfigError(UNDEFINED)
    return value


def _train(job: Search, asked: RunConfig, source: Run, cohort: Cohort, work: Path, on_event: OnEvent) -> None:
    """Train a distilled student; nothing is asked of the test split."""
    teacher, train = source.load_model("teacher"), cohort.rows("train")
    model = fresh_student(asked, cohort, asked.seeds[0], on_event)
    answers: np.ndarray | Classifier = teacher
    if asked.objective.view == "cached":
        answers = np.full((len(cohort), len(cohort.labels)), np.nan, np.float32)
        answers[train] = teacher_logits(
            teacher.to(device()), cohort, home() / "cache" / "teacher_logits", counting(on_event), train
        )
    task = Task(
        config=asked,
        member="distilled",
        arch=model.arch,
        labels=model.labels,
        input_size=model.input_size,
        shrinks_to=model.shrinks_to,
        seed=asked.seeds[0],
        facts=facts_of(source, cohort, "distilled"),
        teacher=source.weights_path("teacher"),
    )
    fit_member(spread_here(task, job, len(train)), model, cohort, answers, work, on_event)


def _table(study: optuna.Study, config: SearchConfig) -> list[Trial]:
    """The trials of a study, in order."""
    names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    return [
        Trial(
            number=trial.number,
            state=names[trial.state.name],
            val_auroc=trial.value if trial.value is not None else _latest(trial.intermediate_values),
            epochs=len(trial.intermediate_values),
            values={key: trial.params[key] for key in config.ranges if key in trial.params},
            message=trial.user_attrs.get(WHY, ""),
        )
        for trial in study.trials[: config.trials]
    ]


def _latest(values: dict[int, float]) -> float | None:
    last = values[max(values)] if values else math.nan
    return None if math.isnan(last) else last


def _keep(job: Search, trials: list[Trial]) -> None:
    """Leave the table, and the best settings as a run's config."""
    write_json(job.path / TRIALS, {"version": VERSION, **Trials(trials=tuple(trials)).model_dump(mode="json")})
    winner = best(trials)
    if winner is None:
        raise RunError(f"None of {len(trials)} trials could be trained: {trials[0].message}. Change base or ranges.")
    settings = job.config.settings_with(winner.values).model_copy(update={"name": f"{job.config.name} best"[:80]})
    write_json(job.path / BEST, {"version": CONFIG_VERSION, **settings.model_dump(mode="json")})
