"""`study`: which teacher, which student, which way of teaching? A grid of runs, and one table of all."""

from __future__ import annotations

import argparse
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report, table
from cxrkd.cli.reports import ending_of, write_report
from cxrkd.cli.watching import command, execute_watched
from cxrkd.studies.example import EXAMPLE
from cxrkd.text import duration

if TYPE_CHECKING:
    import pandas as pd

    from cxrkd.studies.config import StudyConfig
    from cxrkd.studies.estimate import Planned
    from cxrkd.studies.figures import StudyFigures
    from cxrkd.studies.study import Study


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "study",
        parents=[common],
        help="a grid of teachers, students and objectives: gains with intervals, what was kept, costs, in one table",
        description="Makes a run of each cell, the teacher and the student alone trained once and shared, audits each, "
        "and measures all of them together. What is there already is not done again; a study that was stopped goes on. "
        "Given the id of a study, shows its table as far as it is.",
        epilog="a study, as YAML or JSON:\n" + indent(EXAMPLE, "  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("study", metavar="STUDY", help="a file (.yaml, .json), or the id of a study that was made")
    how = verb.add_mutually_exclusive_group()
    how.add_argument("--queue", action="store_true", help="put it in the background queue and return")
    how.add_argument("--dry-run", action="store_true", help="print its cells and how long they will take, do nothing")
    verb.add_argument("--csv", type=Path, metavar="OUT", help="also write the table as CSV")
    verb.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write a report: one page that opens anywhere (.html), or the same as JSON (.json)",
    )
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Do a study, or show one.

    Raises:
        CxrkdError: a setting is refused, the data are not here, or some cells failed.
    """
    form = ending_of(args)
    asked, study = _asked(args.study)
    if asked is not None and args.dry_run:
        return _dry_run(asked)
    if asked is not None:
        study = study or _made(asked)
        if args.queue:
            return _queued(study)
        if study.state.status != "done":
            execute_watched(study, command("resume", study))
    assert study is not None  # one of the two is there
    return _shown(args, study, form)


def _asked(name: str) -> tuple[StudyConfig | None, Study | None]:
    """What a file asks for, and the study that was asked the same; or none, and the study of an id."""
    from cxrkd.errors import ConfigError, RunError
    from cxrkd.jobs.job import open_job
    from cxrkd.studies.reading import read_study
    from cxrkd.studies.study import Study, asked_before

    path = Path(name)
    if path.is_file() or path.suffix in (".yaml", ".yml", ".json"):
        config = read_study(path)
        return config, asked_before(config)
    try:
        job = open_job(name)
    except RunError as error:
        raise ConfigError(f"Expected a file of a study, or the id of one; there is no file {name}. {error}.") from error
    if not isinstance(job, Study):
        raise ConfigError(f"{job.id} is no study but another kind of job. See it with: {command('show', job)}")
    return None, job


def _made(asked: StudyConfig) -> Study:
    """A new study, unless something that is known now would stop it."""
    from cxrkd.studies.grid import grid
    from cxrkd.studies.refusing import settle_cells
    from cxrkd.studies.study import create_study

    settle_cells(grid(asked))
    return create_study(asked)


def _queued(study: Study) -> Report:
    from cxrkd.jobs import queue

    if study.state.status != "done":
        queue.resume(study)
    state = study.state
    line = f"{study.id} is {state.status}; watch it with: {command('show', study)}"
    return Report({"study": study.id, "path": str(study.path), "state": state.to_dict()}, [line])


def _dry_run(asked: StudyConfig) -> Report:
    from cxrkd.studies.estimate import plan
    from cxrkd.studies.grid import grid
    from cxrkd.studies.known import KnownRuns
    from cxrkd.studies.refusing import settle_cells

    cells = grid(asked)
    settle_cells(cells)
    planned = plan(cells, KnownRuns.now())
    left = sum(one.seconds for one in planned if not one.is_done)
    done = sum(one.is_done for one in planned)
    document = {
        "study": asked.model_dump(mode="json"),
        "cells": [_planned(one) for one in planned],
        "seconds": left,
        "done": done,
    }
    head = ["teacher", "student", "objective", "run", "teacher is", "student alone is", "about"]
    lines = [
        f"{asked.name}: {len(cells)} cells, seeds {', '.join(map(str, asked.seeds))}; {done} are there already",
        *table(head, [_row(one) for one in planned]),
        f"About {duration(left)} on this machine, without audits.",
    ]
    return Report(document, lines)


def _planned(one: Planned) -> dict[str, Any]:
    return {
        "teacher": one.cell.teacher,
        "student": one.cell.student,
        "objective": one.cell.objective,
        "run": one.run and one.run.id,
        "status": one.run and one.run.state.status,
        "trains_teacher": one.trains_teacher,
        "trains_control": one.trains_control,
        "seconds": one.seconds,
        "config": one.cell.config.model_dump(mode="json"),
    }


def _row(one: Planned) -> list[str]:
    control = "trained here" if one.trains_control else "shared" if one.cell.config.control else "left out"
    run = "to be made" if one.run is None else f"{one.run.id} ({one.run.state.status})"
    left = "nothing" if one.is_done else duration(one.seconds)
    teacher = "trained here" if one.trains_teacher else "shared"
    return [one.cell.teacher, one.cell.student, one.cell.objective, run, teacher, control, left]


def _shown(args: argparse.Namespace, study: Study, form: str) -> Report:
    from cxrkd.cli.files import writing
    from cxrkd.studies.tables import csv

    figures = study.figures()
    document: dict[str, Any] = {"study": study.id, "path": str(study.path), "state": study.state.to_dict()}
    lines = _lines(study, figures)
    if args.csv is not None:
        with writing(args.csv):
            args.csv.write_text(csv(figures), encoding="utf-8", newline="")
        document["csv"] = str(args.csv)
        lines.append(f"wrote {args.csv}")
    if form:
        from cxrkd.report.study import study_report

        document["report"] = write_report(args.report, study_report(study).text(form))
        lines.append(f"wrote {document['report']}")
    return Report(document | figures.to_dict(), lines)


def _lines(study: Study, figures: StudyFigures) -> list[str]:
    from cxrkd.runs.choosing import PHANTOM_RESULT
    from cxrkd.studies import tables
    from cxrkd.studies.wording import RULE, n_seeds_remark, runs_gone, verdicts

    remarks = [*verdicts(figures), n_seeds_remark(figures), PHANTOM_RESULT if figures.phantoms else ""]
    remarks.append(runs_gone(figures))
    return [
        f"{study.config.name} ({study.id}), 95 % intervals over patients and seeds",
        *(f"  {sentence}" for sentence in [*filter(None, remarks), *tables.problems(figures)]),
        "",
        *_printed(tables.gains_table(figures)),
        "",
        *_printed(tables.networks_table(figures)),
        "",
        *_maps(tables.columns_worth_showing(tables.maps_table(figures))),
        RULE,
        f"It is kept in {study.path}",
    ]


def _maps(frame: pd.DataFrame) -> list[str]:
    from cxrkd.studies.tables import AXES

    return [*_printed(frame), ""] if len(frame.columns) > len(AXES) else []


def _printed(frame: pd.DataFrame) -> list[str]:
    return table(list(map(str, frame.columns)), frame.astype(str).to_numpy().tolist()) if len(frame) else []
