"""The stages of a validation, in order. Each leaves files behind, so that a resumed one skips what is done."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.config import Member
from cxrkd.errors import RunError
from cxrkd.jobs.files import read_json, write_json
from cxrkd.progress import Progress, counting
from cxrkd.runs.predictions import FOLDER as PREDICTIONS
from cxrkd.runs.predictions import TRIVIAL, Answerer, has_logits, write_logits, write_table
from cxrkd.runs.run import METRICS, Run
from cxrkd.runs.validating.answers import (
    BySeed,
    kept_answers,
    kept_rows_of,
    network_answers,
    trivial_answers,
)
from cxrkd.runs.validating.asked import targets_of
from cxrkd.runs.validating.facts import VERSION as FACTS_VERSION
from cxrkd.runs.validating.facts import Facts
from cxrkd.runs.validating.films import Films, fingerprint, gather
from cxrkd.runs.validating.readers import measure_readers
from cxrkd.runs.validating.validation import FACTS, Validation

if TYPE_CHECKING:
    from cxrkd.jobs.reporter import Reporter

ASKED = "work/fingerprint.json"
"""What the answers that are there so far follow from."""
NO_TRIVIAL = (
    "There are no figures without anatomy: that model is fitted to the run's training films, which are not on this "
    "machine."
)


def validate(validation: Validation, report: Reporter) -> None:
    """Read the films, ask for answers, measure; goes on where it was stopped, and from the start if films changed."""
    run = validation.run()
    members = run.members()
    stages = {"data": 5.0, **{_stage(who): 10.0 for who in (*members, TRIVIAL)}}
    report.plan(stages | ({"readers": 2.0} if validation.config.readers is not None else {}) | {"metrics": 2.0})
    with report.stage("data", "Reading the films, and whether the run was trained on them") as on_event:
        films = gather(run, validation.config, counting(on_event))
        mark = fingerprint(run, validation.config, films.cohort)
        same = _is_same(validation, mark)
        if not same:  # answers of other seeds or networks must not stay behind
            shutil.rmtree(validation.path / PREDICTIONS, ignore_errors=True)
        write_cases(validation, run, films)
        write_json(validation.path / ASKED, mark)
        rows = kept_rows_of(run, validation.config.data, films.films, films.own)
    notes = list(films.notes)
    for member in members:
        ask = _asking(run, member, films, rows)
        _answer(validation, report, member, ask, again=not same)
    kept = rows if run.has_predictions(TRIVIAL) else None
    if not _answer(validation, report, TRIVIAL, _asking_trivial(run, films, kept), again=not same):
        notes.append(NO_TRIVIAL)
    if validation.config.readers is not None:
        with report.stage("readers", "Holding the networks against radiologists"):
            measure_readers(validation, validation.config.readers)
    with report.stage("metrics", "Measuring"):
        write_json(validation.path / METRICS, validation.measure().to_dict())
        facts = facts_of(run, films, rows is not None, notes, mark)
        write_json(validation.path / FACTS, {"version": FACTS_VERSION, **facts.model_dump(mode="json")})


def write_cases(validation: Validation, run: Run, films: Films) -> None:
    """Write the table of the films; all of them are test films here, whatever they are in their set.

    Raises:
        RunError: the folder cannot be written.
    """
    cohort, rows = films.cohort, films.rows
    split = np.full(len(rows), "test")
    known = [cohort.ids[rows], cohort.patients[rows], split, cohort.views[rows]]
    write_table(validation.path, known, targets_of(run.labels, cohort)[rows], run.labels)


def facts_of(run: Run, films: Films, kept: bool, notes: list[str], mark: str) -> Facts:
    """What is to be kept beside the figures."""
    overlap, findings = films.overlap, films.findings
    return Facts(
        data=films.cohort.name,
        run=run.name,
        synthetic=films.cohort.synthetic,
        n_films=len(films.rows),
        n_patients=len(np.unique(films.cohort.patients[films.rows])),
        findings=findings.common,
        unknown=findings.unknown,
        left_out_findings=findings.left_out,
        answered_by="kept" if kept else "networks",
        overlap_checked=overlap is not None,
        left_out_films=0 if overlap is None else int(overlap.rows.sum()),
        left_out_patients=0 if overlap is None else overlap.n_patients,
        notes=tuple(notes),
        fingerprint=mark,
    )


def _stage(who: Answerer) -> str:
    return f"answers-{who}"


def _asking(run: Run, member: Member, films: Films, rows: np.ndarray | None) -> Callable[[Progress], BySeed | None]:
    if rows is not None:
        return lambda progress: kept_answers(run, member, rows)
    return lambda progress: network_answers(run, member, films.cohort, films.rows, progress)


def _asking_trivial(run: Run, films: Films, rows: np.ndarray | None) -> Callable[[Progress], BySeed | None]:
    if rows is not None:
        return lambda progress: kept_answers(run, TRIVIAL, rows)
    return lambda progress: trivial_answers(run, films.cohort, films.rows, progress)


def _answer(
    validation: Validation,
    report: Reporter,
    who: Answerer,
    ask: Callable[[Progress], BySeed | None],
    *,
    again: bool,
) -> bool:
    """Keep what somebody answers, unless that was done before an interruption; whether there are answers."""
    stage, seeds = _stage(who), validation.run().config.seeds
    if report.is_done(stage) and not again:
        report.skip(stage)
        return any(has_logits(validation.path, who, seed) for seed in seeds)
    title = "Asking a model without anatomy" if who == TRIVIAL else f"Asking the network: {who}"
    with report.stage(stage, title) as on_event:
        answers = ask(counting(on_event)) or {}
        for seed, logits in answers.items():
            write_logits(validation.path, who, seed, logits)
    return bool(answers)


def _is_same(validation: Validation, mark: str) -> bool:
    """Whether the answers that are there follow from what there is now."""
    try:
        return bool(read_json(validation.path / ASKED) == mark)
    except RunError:
        return False
