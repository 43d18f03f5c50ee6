"""Doing a study: the run of each cell, an audit of it, and the table of all.

A cell is a run as any other, made by the code that makes runs, so that every page opens it. The first run that needs a
teacher trains it, the others borrow it; so it is with the student alone. What was done is known by what it learned from
(`cxrkd.studies.keys`), wherever it was asked for, so that a study that was stopped goes on, and none repeats another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from cxrkd.access.confine import roots_now
from cxrkd.config import Member
from cxrkd.errors import CxrkdError, RunError
from cxrkd.jobs.asked import by_page, mark_page
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import Job
from cxrkd.jobs.reporter import Reporter
from cxrkd.runs.auditing.job import AuditConfig, AuditJob
from cxrkd.runs.beside import asked_about, asked_before, create_beside, finished
from cxrkd.runs.making import create
from cxrkd.runs.run import Run, open_run
from cxrkd.studies.estimate import audit_stage, plan, stage_seconds
from cxrkd.studies.figures import CellFigures, StudyFigures
from cxrkd.studies.grid import Cell
from cxrkd.studies.known import KnownRuns
from cxrkd.studies.measuring import UNCONTROLLED, gathered, measure_cell, network_key
from cxrkd.studies.study import Place, Study

_J = TypeVar("_J", bound=Job)
LATENCY_RUNS, LATENCY_S = 20, 2.0


def do_study(study: Study, report: Reporter) -> None:
    """Do all that a study was asked, going on where it was stopped.

    Raises:
        RunError: some cells have no result, each of which is written down; all others are measured.
    """
    report.plan(dict(stage_seconds(plan(study.cells, KnownRuns.now()), study.config.films)))
    work = _Work(study, report, study.places())
    for cell in study.cells:
        work.train(cell)
        if study.config.films:
            work.explain(cell)
        work.measure(cell)
    with report.stage("figures", "Measuring"):
        work.find_controls()
        work.find_latencies()
        work.rows.clear()
        for cell in study.cells:
            work.measure(cell)
    _refuse_gaps(study.figures())


@dataclass
class _Work:
    """A study at work: what came of each cell, and the rows that are measured."""

    study: Study
    report: Reporter
    places: dict[str, Place]
    rows: dict[str, CellFigures] = field(default_factory=dict)

    def train(self, cell: Cell) -> None:
        """See to it that there is a finished run, or a reason why not."""
        known = KnownRuns.now()
        run = self._placed(cell) or known.of_cell(cell.config)
        if run is not None and run.state.status == "done":
            self.report.skip(cell.stage)
            if self.places.get(cell.stage, Place()).run != run.id:
                self.report.emit({"kind": "kept", "message": f"{cell.title} is there already: {run.id}"})
            self._put(cell, run=run.id, control=self._control(cell, run), problem="")
            return
        with self.report.stage(cell.stage, cell.title), self._written_down(cell):
            run = run or self._made(cell, known)
            self._put(cell, run=run.id, problem="")
            execute(run, self._follower(cell.title))
            self._put(cell, control=self._control(cell, run))

    def explain(self, cell: Cell) -> None:
        """See to it that the run of a cell is audited, or that there is a reason why not."""
        stage, place = audit_stage(cell), self.places.get(cell.stage, Place())
        if not place.run or place.problem:
            return self.report.skip(stage)
        run = open_run(place.run)
        asked = AuditConfig(**asked_about(run), films=self.study.config.films, proofs=0)
        same = (job for job in finished(AuditJob, run) if job.config == asked)
        if (done := next(same, None)) is not None:
            self.report.skip(stage)
            return self._put(cell, audit=done.id)
        with self.report.stage(stage, f"Explaining {cell.title}"), self._written_down(cell):
            before = asked_before(AuditJob, asked)
            unfinished = before if before is not None and before.state.status != "done" else None
            audit = unfinished or self._marked(create_beside(AuditJob, run, asked))
            execute(audit, self._follower(f"Explaining {cell.title}"))
            self._put(cell, audit=audit.id)

    def measure(self, cell: Cell) -> None:
        """Measure a cell, and write down all that is measured so far."""
        latencies = self.study.latencies()
        self.rows[cell.stage] = measure_cell(cell, self.places.get(cell.stage), latencies)
        rows = [self.rows.get(one.stage) or measure_cell(one, None, latencies) for one in self.study.cells]
        self.study.keep_figures(gathered(self.study.cells, self.places, rows, latencies))

    def find_controls(self) -> None:
        """Give cells that were done before their student alone was trained what they are held against."""
        for cell in self.study.cells:
            place = self.places.get(cell.stage, Place())
            if place.run and not place.control and (run := self._placed(cell)) is not None:
                self._put(cell, control=self._control(cell, run))

    def find_latencies(self) -> None:
        """Measure every network that is not measured yet, one at a time on one thread of PyTorch."""
        known = self.study.latencies()
        for cell in self.study.cells:
            place = self.places.get(cell.stage, Place())
            if place.run and not place.problem:
                with self._written_down(cell):
                    run = open_run(place.run)
                    for member in run.members():
                        if (key := network_key(run, member)) not in known:
                            known[key] = _latency(run, member)
        self.study.keep_latencies(known)

    def _placed(self, cell: Cell) -> Run | None:
        """The run that was written down for a cell, unless it is gone."""
        run_id = self.places.get(cell.stage, Place()).run
        try:
            return open_run(run_id) if run_id else None
        except RunError:
            return None

    def _made(self, cell: Cell, known: KnownRuns) -> Run:
        """A new run, which borrows what is there: teacher and student alone."""
        config = cell.config
        changes: dict[str, object] = {"control": config.control and known.with_control(config) is None}
        if config.teacher_from is None and config.teacher_trained:
            lender = known.with_teacher(config)
            changes["teacher_from"] = lender and lender.id
        return self._marked(create(config.model_copy(update=changes)))

    def _marked(self, job: _J) -> _J:
        """A job that reads, also when it goes on alone, what the study may."""
        roots = roots_now()
        if by_page(self.study) and roots is not None:
            mark_page(job, roots)
        return job

    def _control(self, cell: Cell, run: Run) -> str:
        """Id of the run whose student alone a cell is held against; empty where there is or should be none."""
        if not cell.config.control:
            return ""
        own = run.config.control and run.has_predictions("alone")
        other = None if own else KnownRuns.now().with_control(cell.config)
        return run.id if own else other.id if other else ""

    def _put(self, cell: Cell, **changes: str) -> None:
        before = self.places.get(cell.stage)
        now = replace(before or Place(), **changes)
        if now != before:
            self.places[cell.stage] = now
            self.study.keep_places(self.places)

    @contextmanager
    def _written_down(self, cell: Cell) -> Iterator[None]:
        """Around what may fail for a cell while others go on."""
        try:
            yield
        except CxrkdError as error:
            self._put(cell, problem=str(error))
            self.report.emit({"kind": "failed", "message": f"{cell.title}: {error}"})

    def _follower(self, title: str) -> Callable[[str, float, float | None], None]:
        return lambda what, share, eta_s: self.report.progress.update(f"{title}: {what}", share, eta_s)


def _latency(run: Run, member: Member) -> float:
    from cxrkd.cost.latency import measure_latency
    from cxrkd.runtime.protocol import REFERENCE
    from cxrkd.runtime.select import build_engine

    model = run.load_model(member)
    engine = build_engine(model, REFERENCE, threads=1)
    film = np.zeros((1, 1, model.input_size, model.input_size), np.float32)
    how = {"engine": REFERENCE, "threads": 1, "runs": LATENCY_RUNS, "max_s": LATENCY_S}
    return measure_latency(engine.predict, film, **how).median_ms  # type: ignore[arg-type]


def _refuse_gaps(figures: StudyFigures) -> None:
    """Refuse to call a study done that has cells without a result: asked for again, it tries these again."""
    failed = [row for row in figures.cells if row.problem and row.problem != UNCONTROLLED]
    if failed:
        others = "" if len(failed) == 1 else f", and {len(failed) - 1} more"
        raise RunError(
            f"{len(failed)} of {len(figures.cells)} cells failed, the others are measured: {failed[0].title} "
            f"({failed[0].problem.rstrip('.')}){others}. Go on with the study to try again."
        )
