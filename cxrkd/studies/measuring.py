"""The rows of a study, from what its runs and audits keep."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from cxrkd.config import READERS, Member
from cxrkd.cost.complexity import Complexity
from cxrkd.errors import CxrkdError, RunError
from cxrkd.evaluate.paired import paired_difference, paired_p
from cxrkd.jobs.job import open_job
from cxrkd.runs.auditing.job import AuditJob
from cxrkd.runs.predictions import Predictions
from cxrkd.runs.run import Run, open_run
from cxrkd.runs.showcase import read_showcase
from cxrkd.studies.figures import CellFigures, Cost, OtherFigures, Span, StudyFigures
from cxrkd.studies.grid import Cell
from cxrkd.studies.study import Place, Study

NOT_YET = "not done yet"
UNCONTROLLED = "no student alone to hold it against: its run was made without one"
LOST = "no student alone to hold it against: what that answered is no longer kept"


def measure_study(study: Study) -> StudyFigures:
    """Every figure of what is done so far.

    Raises:
        RunError: what is kept of the study is damaged.
    """
    places, latencies = study.places(), study.latencies()
    rows = [measure_cell(cell, places.get(cell.stage), latencies) for cell in study.cells]
    return gathered(study.cells, places, rows, latencies)


def gathered(
    cells: tuple[Cell, ...], places: Mapping[str, Place], rows: list[CellFigures], latencies: Mapping[str, float]
) -> StudyFigures:
    """The rows with the networks that they are held against; of one that cannot be read its cell says why."""
    others: dict[tuple[str, str], OtherFigures] = {}
    kept = list(rows)
    for cell, row in zip(cells, rows, strict=True):
        try:
            for one in _others(cell, row, rows, places, latencies):
                others.setdefault((one.member, one.name), one)  # the first run is the one that trained it
        except CxrkdError as error:
            kept[cell.number] = replace(row, problem=row.problem or str(error))
    by_kind = sorted(others.values(), key=lambda one: one.member != "teacher")
    return StudyFigures.of(kept, by_kind, phantoms=READERS[cells[0].config.data.kind].drawn)


def measure_cell(cell: Cell, place: Place | None, latencies: Mapping[str, float]) -> CellFigures:
    """The row of a cell; what stops that is its problem."""
    row = CellFigures(cell.teacher, cell.student, cell.objective, shuffled=cell.config.objective.shuffled)
    if place is None or not place.run:
        return replace(row, problem=NOT_YET if place is None else place.problem)
    row = replace(row, run=place.run, control=place.control, problem=place.problem)
    try:
        run = open_run(place.run)
        if run.state.status != "done":
            return replace(row, problem=row.problem or NOT_YET)
        row = _own(row, run, latencies)
        row = _held_against(row, run, place.control) if cell.config.control else row
        return _explained(row, place.audit)
    except CxrkdError as error:
        return replace(row, problem=row.problem or str(error))


def _own(row: CellFigures, run: Run, latencies: Mapping[str, float]) -> CellFigures:
    metrics = run.metrics()
    model, gap = metrics.of("distilled").over_seeds, metrics.gap
    row = replace(
        row,
        n_seeds=len(run.config.seeds),
        n_labels=model.n_labels,
        n_patients=model.n_patients,
        auroc=Span.of_auroc(model),
        cost=_cost(run, "distilled", latencies),
    )
    if gap is None:
        return row
    kept = Span(gap.ratio, gap.ratio_low, gap.ratio_high)
    return replace(row, kept=kept, skill=Span(gap.skill, gap.skill_low, gap.skill_high))


def _held_against(row: CellFigures, run: Run, control: str) -> CellFigures:
    """With the gain over the student alone."""
    if not control:
        return replace(row, problem=row.problem or (LOST if run.config.control else UNCONTROLLED))
    a = run.predictions("distilled")
    b = _on_the_same(a, open_run(control))
    asked = (a.logits, b.logits, a.targets, a.patients, run.labels)
    gain = paired_difference(*asked)
    return replace(row, gain=Span(gain.macro_diff, gain.macro_low, gain.macro_high), p=paired_p(*asked))


def _on_the_same(a: Predictions, control: Run) -> Predictions:
    """What the student alone of a run answers about the films of `a`, in their order.

    Raises:
        RunError: it was asked about other films.
    """
    b = control.predictions("alone")
    order = {film: row for row, film in enumerate(b.ids)}
    if a.seeds != b.seeds or set(order) != set(a.ids):
        raise RunError(f"{control.id}, whose student alone it is held against, has other test films or seeds.")
    return b.at(np.array([order[film] for film in a.ids]))


def _explained(row: CellFigures, audit: str) -> CellFigures:
    """With what an audit says of its maps."""
    if not audit:
        return row
    job = open_job(audit)
    if not isinstance(job, AuditJob):
        raise RunError(f"{audit} is no audit")
    figures = job.figures()
    maps = figures.agreement_of("distilled", figures.counted)
    row = replace(row, agreement=Span.of_mean(maps.own), agreement_above=Span.of_mean(maps.weakest.above))
    lesions = figures.lesions_of("distilled", "hit")
    if lesions is None:
        return row
    rival = min(lesions.rivals, key=lambda one: math.inf if math.isnan(one.above.value) else one.above.value)
    return replace(row, pointing=Span.of_mean(lesions.own), pointing_above=Span.of_mean(rival.above))


def _others(
    cell: Cell, row: CellFigures, rows: list[CellFigures], places: Mapping[str, Place], latencies: Mapping[str, float]
) -> Iterator[OtherFigures]:
    """The teacher and the student alone of a cell that is measured."""
    if math.isnan(row.auroc.value) and not row.n_seeds:
        return
    run = open_run(row.run)
    model = run.metrics().of("teacher").model
    yield OtherFigures("teacher", cell.teacher, row.run, Span.of_auroc(model), _cost(run, "teacher", latencies))
    control = places[cell.stage].control
    if control:
        run = open_run(control)
        alone = Span.of_auroc(run.metrics().of("alone").over_seeds)
        yield OtherFigures("alone", _alone(cell, rows, row), control, alone, _cost(run, "alone", latencies))


def _alone(cell: Cell, rows: list[CellFigures], row: CellFigures) -> str:
    """What a student alone is called: by its network, and where objectives learn other things from labels, by those."""
    controls = {other.control for other in rows if other.student == row.student and other.control}
    if len(controls) == 1:
        return cell.student
    of_it = [other.objective for other in rows if other.student == row.student and other.control == row.control]
    return f"{cell.student}, labels of {' and '.join(dict.fromkeys(of_it))}"


def _cost(run: Run, member: Member, latencies: Mapping[str, float]) -> Cost:
    counted = _counted(run, member)
    latency = latencies.get(network_key(run, member), math.nan)
    return Cost(counted.params, counted.macs, counted.size_f16_mb, latency)


def _counted(run: Run, member: Member) -> Complexity:
    """As the run keeps it, else counted again."""
    kept = read_showcase(run)
    if kept is not None and member in kept.costs:
        return kept.costs[member]
    from cxrkd.cost.count import count

    return count(run.load_model(member))


def network_key(run: Run, member: Member) -> str:
    """What a latency is of: a network at the size that it looks at."""
    config = run.config
    if member == "teacher":
        return f"{config.teacher_arch} at {config.data.image_size} px"
    return f"{config.student_arch} at {config.student_works_at} px"
