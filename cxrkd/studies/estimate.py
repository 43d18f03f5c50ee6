"""How long a study will take: what its runs will, without what is there already or shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxrkd.config import RunConfig
from cxrkd.data import cohort_size
from cxrkd.runs.estimate import stage_weights
from cxrkd.runs.run import Run
from cxrkd.runs.stages import students
from cxrkd.studies.grid import Cell
from cxrkd.studies.keys import control_key, teacher_key
from cxrkd.studies.known import KnownRuns

AUDIT_FILM_S = 0.4  # maps of five networks, two of them large, at 224 px


@dataclass(frozen=True)
class Planned:
    """What will be done for a cell.

    Attributes:
        cell: which.
        run: that is there already, finished or not; None where it will be made.
        trains_teacher: its run trains the teacher that others share.
        trains_control: its run trains the student alone that others share.
        seconds: guessed, of all that it takes from nothing.
    """

    cell: Cell
    run: Run | None
    trains_teacher: bool
    trains_control: bool
    seconds: float

    @property
    def is_done(self) -> bool:
        """Nothing is left to do."""
        return self.run is not None and self.run.state.status == "done"


def plan(cells: Sequence[Cell], known: KnownRuns) -> list[Planned]:
    """What will be done for each cell, in order.

    Raises:
        DataError: the data set is not here or not as published.
    """
    images = cohort_size(cells[0].config.data)
    teachers: set[str] = set()
    controls: set[str] = set()
    planned = []
    for cell in cells:
        config, run = cell.config, known.of_cell(cell.config)
        trains_teacher = config.teacher_from is None and _is_new(
            teachers, teacher_key(config), known.with_teacher(config)
        )
        control = config.control and _is_new(controls, control_key(config), known.with_control(config))
        if run is not None:
            trains_teacher, control = run.config.teacher_from is None, run.config.control
        seconds = _seconds(config, images, trains_teacher=trains_teacher, control=control)
        planned.append(Planned(cell, run, trains_teacher, control, seconds))
    return planned


def _is_new(seen: set[str], key: str, known: Run | None) -> bool:
    """Whether nobody has it, nor will have trained it before; from then on somebody has."""
    new = key not in seen and known is None
    seen.add(key)
    return new


def _seconds(config: RunConfig, images: tuple[float, float], *, trains_teacher: bool, control: bool) -> float:
    borrowed = config.teacher_from if trains_teacher else config.teacher_from or "another"
    shaped = config.model_copy(update={"teacher_from": borrowed, "control": control})
    return sum(stage_weights(shaped, [student.stage for student in students(shaped)], images).values())


def stage_seconds(planned: Sequence[Planned], films: int) -> Mapping[str, float]:
    """Stage -> guessed seconds, of the whole study."""
    cells = {one.cell.stage: one.seconds for one in planned}
    audits = {audit_stage(one.cell): AUDIT_FILM_S * films for one in planned} if films else {}
    return cells | audits | {"figures": 5.0 * len(planned)}


def audit_stage(cell: Cell) -> str:
    """Name of the stage that audits a cell."""
    return f"audit-{cell.number}"
