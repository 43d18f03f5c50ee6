"""`search`: settings of a student, tried one after another under the teacher of a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report, table
from cxrkd.cli.spreading import from_one, spread
from cxrkd.cli.watching import command, execute_watched
from cxrkd.errors import ConfigError
from cxrkd.text import MISSING, number

if TYPE_CHECKING:
    from cxrkd.runs.searching.config import SearchConfig
    from cxrkd.runs.searching.job import Search, Trial

EXAMPLE = """SEARCH.yaml:
  name: rates
  trials: 20
  base:                                # settings of a run, as in its config.json; images as its teacher's if not given
    teacher_from: RUN
  ranges:       # keys of student_train and of objective, and student_arch, student_size, student_weights
    student_train.learning_rate: {floats: [0.0003, 0.01], log: true}
    student_train.weight_decay: {floats: [0, 0.1]}
    student_train.batch_size: {choice: [16, 32, 64]}
    objective.alpha: {floats: [0, 1]}
"""


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "search",
        parents=[common],
        help="search hyper-parameters of a student with Optuna, on validation films alone",
        description="Trains a distilled student for every trial, judges it by its macro AUROC on the validation split, "
        "and gives up what is worse than the median after an epoch. The test split is not looked at. The same command "
        "goes on after an interruption, and prints the table again when it is done; best.json in the search's folder "
        "is what distill --config takes.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("file", type=Path, metavar="SEARCH.yaml", help="what is searched; see below")
    verb.add_argument("--queue", action="store_true", help="put it in the background queue and return")
    verb.add_argument("--devices", type=from_one, metavar="N", help="processes that share every batch (see distill)")
    verb.set_defaults(call=call, num_nodes=None)


def call(args: argparse.Namespace) -> Report:
    """Search, go on, or read what a finished search left."""
    from cxrkd.jobs import queue
    from cxrkd.runs.searching.job import asked_before, create_search

    config = read_search(args.file)
    spread(args, here=not args.queue)
    job = asked_before(config) or create_search(config)
    if job.state.status != "done" and args.queue:
        queue.resume(job)
        line = f"{job.id} is {job.state.status}; watch it with: {command('show', job)}"
        return Report({"search": job.id, "path": str(job.path), "state": job.state.to_dict()}, [line])
    if job.state.status != "done":
        execute_watched(job, command("resume", job))
    return _report(job)


def read_search(path: Path) -> SearchConfig:
    """What a file asks for. Images that are not named are those of the teacher's run.

    Raises:
        ConfigError: it cannot be read, or a key or value is refused.
        RunError: the run of the teacher is not there.
    """
    from pydantic import ValidationError

    from cxrkd.jobs.written import read_written, without_version
    from cxrkd.refusals import refusals
    from cxrkd.runs.searching.config import SearchConfig
    from cxrkd.runs.searching.job import Search

    asked = read_written(path, "a search")
    if not isinstance(asked, dict):
        raise ConfigError(f"{path} holds {type(asked).__name__}; expected name, base and ranges: search --help.")
    try:
        return SearchConfig.model_validate(_with_images(without_version(asked, Search.ASKED_VERSION, path.name)))
    except ValidationError as error:
        sentences = refusals(error, lambda key: f"{key} in {path}" if key else str(path)).values()
        raise ConfigError(" ".join(dict.fromkeys(sentences))) from error


def _with_images(asked: dict[str, Any]) -> dict[str, Any]:
    """The same with a name for the base, and the images of the teacher's run where none are named."""
    from cxrkd.runs import open_run

    base = asked.get("base")
    if not isinstance(base, dict):
        return asked
    base = {"name": str(asked.get("name", "search")), **base}
    if isinstance(base.get("teacher_from"), str) and "data" not in base:
        base["data"] = open_run(base["teacher_from"]).config.data.model_dump(mode="json")
    return {**asked, "base": base}


def _report(job: Search) -> Report:
    """The table of a finished search, the best first."""
    from cxrkd.runs.searching.job import BEST, best

    trials, keys = job.trials(), list(job.config.ranges)
    winner = best(trials)
    assert winner is not None  # a search without one fails
    order = sorted(trials, key=lambda trial: (trial.state != "complete", -(trial.val_auroc or 0.0)))
    head = ["trial", "val AUROC", "epochs", "state", *keys]
    document = {"search": job.id, "path": str(job.path), "best": winner.number}
    document |= {"trials": [trial.model_dump(mode="json") for trial in trials]}
    lines = [
        f"{job.id}: {len(trials)} trials under the teacher of {job.config.base.teacher_from}, macro AUROC on "
        "validation films; the best of many is flattered by being chosen",
        *table(head, [_row(trial, keys) for trial in order]),
        f"Distil with the best settings: python -m cxrkd distill --config {job.path / BEST}",
    ]
    return Report(document, lines)


def _row(trial: Trial, keys: list[str]) -> list[str]:
    return [
        str(trial.number + 1),
        MISSING if trial.val_auroc is None else number(trial.val_auroc),
        str(trial.epochs),
        trial.state,
        *(_shown(trial.values.get(key, MISSING)) for key in keys),
    ]


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
