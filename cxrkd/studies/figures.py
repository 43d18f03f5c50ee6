"""What a study comes to: a row a cell, and the networks that cells are held against.

Everything follows from what runs and audits keep. Gains are paired by patient and seed with the student alone of the
same labels' side, start and seeds, whichever run trained it; their p values are corrected for their number (Holm).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cxrkd.evaluate.means import Mean
from cxrkd.evaluate.metrics import ModelMetrics
from cxrkd.evaluate.multiple import holm
from cxrkd.evaluate.paired import MIN_SEEDS
from cxrkd.evaluate.pareto import pareto_front
from cxrkd.evaluate.record import Record

LEVEL = 0.05
HELPED, HARMED, NOT_SHOWN = "helped", "did harm", "not shown"


@dataclass(frozen=True)
class Span(Record):
    """A figure with its 95 % interval; NaN where it is not known."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @classmethod
    def of_auroc(cls, model: ModelMetrics) -> Span:
        """The macro AUROC."""
        return cls(model.macro_auroc, model.macro_low, model.macro_high)

    @classmethod
    def of_mean(cls, mean: Mean) -> Span:
        """A mean over films."""
        return cls(mean.value, mean.low, mean.high)


@dataclass(frozen=True)
class Cost(Record):
    """Of a network: weights, multiply-adds of a film, MB as float16, ms of a film; NaN where it is not known."""

    params: float = math.nan
    macs: float = math.nan
    size_mb: float = math.nan
    latency_ms: float = math.nan


@dataclass(frozen=True)
class CellFigures(Record):
    """A cell: the distilled student of a run.

    Attributes:
        teacher, student, objective: what the entry of each axis is called.
        run: id; empty where there is none. control: id of the run that trained the student alone; empty where none did.
        problem: why there are no figures, or not all; empty where nothing is wrong.
        n_seeds: trainings. n_labels: findings of the mean. n_patients: test patients.
        auroc: mean over findings and seeds. gain: minus that of the student alone, paired.
        p: two-sided, of the gain being zero. p_holm: corrected for all gains of the study.
        kept: share of the teacher's AUROC. skill: share of what that has above chance.
        cost: of the student.
        agreement: rank correlation of its maps with the teacher's. agreement_above: minus the closest chance line.
        pointing: share of marked findings that its maps point into. pointing_above: minus the closest map that has not
            seen the film.
        front: no network of the study has no more multiply-adds and no less AUROC.
        shuffled: a control, taught by the answers to other films.
    """

    teacher: str
    student: str
    objective: str
    run: str = ""
    control: str = ""
    problem: str = ""
    n_seeds: int = 0
    n_labels: int = 0
    n_patients: int = 0
    auroc: Span = Span()
    gain: Span = Span()
    p: float = math.nan
    p_holm: float = math.nan
    kept: Span = Span()
    skill: Span = Span()
    cost: Cost = Cost()
    agreement: Span = Span()
    agreement_above: Span = Span()
    pointing: Span = Span()
    pointing_above: Span = Span()
    front: bool = False
    shuffled: bool = False

    @classmethod
    def from_dict(cls, values: Any) -> CellFigures:
        """As any record; studies that were measured before controls were told apart say nothing of them."""
        return super().from_dict({"shuffled": False} | values if isinstance(values, dict) else values)

    @property
    def title(self) -> str:
        """What people read: `densenet121 → eeea_net_c2, bkd`."""
        return f"{self.teacher} → {self.student}, {self.objective}"

    @property
    def verdict(self) -> str:
        """What the gain shows among all gains of the study, a claim needs `MIN_SEEDS` trainings; empty without one."""
        if math.isnan(self.gain.value):
            return ""
        if self.n_seeds < MIN_SEEDS or not self.p_holm < LEVEL:
            return NOT_SHOWN
        return HELPED if self.gain.value > 0 else HARMED

    @property
    def claimed(self) -> bool:
        """The gain, or the harm, is shown."""
        return self.verdict in (HELPED, HARMED)


def titles_apart(cells: Sequence[CellFigures]) -> list[str]:
    """What tells cells apart: the axes on which they differ; all of them for a single cell."""
    axes = [[cell.teacher for cell in cells], [cell.student for cell in cells], [cell.objective for cell in cells]]
    kept = [axis for axis in axes if len(set(axis)) > 1] or axes
    return [", ".join(of_cell) for of_cell in zip(*kept, strict=True)]


@dataclass(frozen=True)
class OtherFigures(Record):
    """A teacher, or a student alone.

    Attributes:
        member: `teacher` or `alone`. name: what its entry is called. run: that trained it or lends it.
        auroc: mean over findings, and of students over seeds.
        cost: of it.
        front: as of a cell.
    """

    member: str
    name: str
    run: str
    auroc: Span
    cost: Cost
    front: bool = False


@dataclass(frozen=True)
class StudyFigures(Record):
    """All of it.

    Attributes:
        phantoms: the films were drawn.
        cells: in the order of the grid.
        others: teachers, then students alone, each once.
    """

    phantoms: bool
    cells: tuple[CellFigures, ...]
    others: tuple[OtherFigures, ...]

    @property
    def gains(self) -> list[CellFigures]:
        """The cells that have a gain."""
        return [cell for cell in self.cells if not math.isnan(cell.gain.value)]

    @property
    def taught(self) -> list[CellFigures]:
        """Those of them whose teacher answered the film that was learned; the others are controls."""
        return [cell for cell in self.gains if not cell.shuffled]

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of the runs that figures come from, each once."""
        return tuple(dict.fromkeys([cell.run for cell in self.cells if cell.run] + [one.run for one in self.others]))

    @property
    def networks(self) -> list[tuple[str, CellFigures | OtherFigures]]:
        """Whose AUROC and multiply-adds are known, with what they are: `teacher`, `alone` or `distilled`."""
        others = [(one.member, one) for one in self.others]
        of_any: list[tuple[str, CellFigures | OtherFigures]] = [*others, *(("distilled", cell) for cell in self.cells)]
        return [(member, one) for member, one in of_any if not math.isnan(one.auroc.value + one.cost.macs)]

    def without_problems(self) -> StudyFigures:
        """The same, of each problem only that there is one: a sentence may quote what was read."""
        return replace(self, cells=tuple(replace(one, problem="yes" if one.problem else "") for one in self.cells))

    @classmethod
    def of(cls, cells: Sequence[CellFigures], others: Iterable[OtherFigures], *, phantoms: bool) -> StudyFigures:
        """The rows, with what follows from all of them together."""
        rest = list(others)
        corrected = holm([cell.p for cell in cells])
        points: list[Any] = [*cells, *rest]
        front = pareto_front([one.cost.macs for one in points], [one.auroc.value for one in points])
        return cls(
            phantoms,
            tuple(replace(cell, p_holm=p, front=on) for cell, p, on in zip(cells, corrected, front, strict=False)),
            tuple(replace(one, front=on) for one, on in zip(rest, front[len(cells) :], strict=True)),
        )
