"""What an audit comes to: do students look where their teacher looks, and does anybody look at the lesion?

Every figure is a mean over cells (a film and a label) with a 95 % interval over patients, and every comparison is
paired: of the same cells, so that what makes a film easy for both cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from cxrkd.evaluate.inputs import MIN_POSITIVE_PATIENTS
from cxrkd.evaluate.means import Mean, mean_by_patient
from cxrkd.evaluate.record import Record
from cxrkd.explain.cohort_agreement import LINES, CohortAgreement
from cxrkd.explain.cohort_faithful import CohortCascade, CohortFaithful
from cxrkd.explain.cohort_lesions import MEASURES, OWN, RIVALS, CohortLesions
from cxrkd.runs.auditing.faithful import CascadeFigures, FaithfulFigures, measure_cascade, measure_faithful
from cxrkd.runs.auditing.lines import ALL_LABELS, AgainstRivals, Beside, above_each, closest

PRESENT, CALLED, EVERY = "present", "called", "every"
"""Cells that a figure is over: those whose finding is on the film, those that some network calls, or all of them."""


@dataclass(frozen=True)
class AgreementFigures(Record):
    """A student's maps against its teacher's, over some cells of one label or of all.

    Attributes:
        student: who. label: ALL_LABELS for all. cells: PRESENT, CALLED or EVERY.
        own: rank correlation.
        lines: by LINES.
        ceiling: the teacher with itself under light noise.
        other_labels: the teacher's map with the student's maps of other labels.
        above_chance: share of the cells that exceed every line of their own.
        enough: as many patients as a finding needs to count.
    """

    student: str
    label: str
    cells: str
    own: Mean
    lines: tuple[Beside, ...]
    ceiling: Mean
    other_labels: Mean
    above_chance: Mean
    enough: bool

    @property
    def holds(self) -> bool:
        """More than each line, with an interval that leaves zero out."""
        return self.enough and above_each(self.lines)

    @property
    def weakest(self) -> Beside:
        """The line that it is the least above."""
        return closest(self.lines)


@dataclass(frozen=True)
class GainFigures(Record):
    """Agreement with the teacher of the distilled student minus that of the student alone, over the same cells."""

    cells: str
    difference: Mean


@dataclass(frozen=True)
class LesionFigures(AgainstRivals):
    """A network's maps on marked findings: MEASURES. Rivals are maps that have not seen the film.

    Attributes:
        area: share of the film that is marked: what a uniform map gets of energy, and chance of hits.
    """

    area: float


@dataclass(frozen=True)
class OutsideFigures(Record):
    """Share of a network's evidence outside the body, of the cells that count; `air` is the share of the film there."""

    member: str
    own: Mean
    air: float


@dataclass(frozen=True)
class AuditFigures(Record):
    """All of it.

    Attributes:
        labels: K findings.
        agreement: by student, cells and label.
        gain: where there are both students.
        lesions: by member, label and figure; empty where nothing is marked.
        outside: by member.
        faithful: by member, label and figure. cascade: by member. Both empty where they were not measured.
        n: films. n_patients: distinct patients. n_marked: marked findings.
    """

    labels: tuple[str, ...]
    agreement: tuple[AgreementFigures, ...]
    gain: tuple[GainFigures, ...]
    lesions: tuple[LesionFigures, ...]
    outside: tuple[OutsideFigures, ...]
    faithful: tuple[FaithfulFigures, ...]
    cascade: tuple[CascadeFigures, ...]
    n: int
    n_patients: int
    n_marked: int

    def agreement_of(self, student: str, cells: str = PRESENT, label: str = ALL_LABELS) -> AgreementFigures:
        """The row of a student.

        Raises:
            KeyError: no such row.
        """
        for row in self.agreement:
            if (row.student, row.cells, row.label) == (student, cells, label):
                return row
        raise KeyError((student, cells, label))

    def lesions_of(self, member: str, figure: str, label: str = ALL_LABELS) -> LesionFigures | None:
        """The row of a network; None where nothing is marked."""
        rows = (row for row in self.lesions if (row.member, row.figure, row.label) == (member, figure, label))
        return next(rows, None)

    def faithful_of(self, member: str, figure: str, label: str = ALL_LABELS) -> FaithfulFigures | None:
        """The row of a network; None where it was not measured."""
        rows = (row for row in self.faithful if (row.member, row.figure, row.label) == (member, figure, label))
        return next(rows, None)

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """As `Record.from_dict`; audits of before maps were put to the proof have no figures of that."""
        older: dict[str, Any] = {"faithful": [], "cascade": []}
        return super().from_dict(older | values if isinstance(values, dict) else values)

    @property
    def counted(self) -> str:
        """The cells that verdicts are over: PRESENT, of films of unknown findings CALLED, EVERY where none is."""
        kinds = {row.cells for row in self.agreement if not row.label and row.own.n}
        return next((cells for cells in (PRESENT, CALLED) if cells in kinds), EVERY)

    @property
    def students(self) -> tuple[str, ...]:
        """In order."""
        return tuple(dict.fromkeys(row.student for row in self.agreement))


def measure_audit(
    labels: Sequence[str],
    targets: np.ndarray,
    called: np.ndarray,
    patients: np.ndarray,
    agreements: Mapping[str, CohortAgreement],
    lesions: Mapping[str, CohortLesions],
    outside: Mapping[str, np.ndarray],
    air: np.ndarray,
    proofs: Mapping[str, tuple[CohortFaithful, CohortCascade]] | None = None,
) -> AuditFigures:
    """Means, intervals and comparisons.

    Args:
        labels: K names.
        targets: (N, K): 1, 0, or NaN unknown.
        called: bool (N, K), some network calls it.
        patients: (N,).
        agreements: by student.
        lesions: by member, of the same marked findings.
        outside: by member, share of the evidence outside the body (N, K), NaN where there is no evidence.
        air: (N,), share of each film that is outside the body.
        proofs: by member, how true its maps are, where that was measured.
    """
    present = targets == 1
    cells = {PRESENT: present, CALLED: called, EVERY: np.ones_like(present)}
    counted = next(mask for mask in cells.values() if mask.any())
    rows = tuple(
        _agreement(student, of_student, patients, label, name, chosen)
        for student, of_student in agreements.items()
        for name, mask in cells.items()
        for label, chosen in _by_label(labels, mask)
    )
    both = [agreements[name].own for name in ("distilled", "alone") if name in agreements]
    gains = (
        tuple(GainFigures(name, _mean(both[0] - both[1], patients, mask)) for name, mask in cells.items() if mask.any())
        if len(both) == 2
        else ()
    )
    first = next(iter(lesions.values()), None)
    return AuditFigures(
        labels=tuple(labels),
        agreement=rows,
        gain=gains,
        lesions=tuple(
            row for member, of_member in lesions.items() for row in _lesions(member, of_member, labels, patients)
        ),
        outside=tuple(
            OutsideFigures(member, _mean(share, patients, counted, rate=True), float(air.mean()))
            for member, share in outside.items()
        ),
        faithful=tuple(
            row
            for member, (held, _) in (proofs or {}).items()
            for row in measure_faithful(member, held, labels, patients)
        ),
        cascade=tuple(measure_cascade(member, fallen, patients) for member, (_, fallen) in (proofs or {}).items()),
        n=len(patients),
        n_patients=len(np.unique(patients)),
        n_marked=0 if first is None else len(first.films),
    )


def _by_label(labels: Sequence[str], mask: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """All labels together, then each alone, as bool (N, K)."""
    column = np.arange(mask.shape[1])
    return [(ALL_LABELS, mask), *((label, mask & (column == k)) for k, label in enumerate(labels))]


def _mean(values: np.ndarray, patients: np.ndarray, mask: np.ndarray, *, rate: bool = False) -> Mean:
    return mean_by_patient(np.where(mask, values, np.nan), patients, rate=rate)


def _agreement(
    student: str, held: CohortAgreement, patients: np.ndarray, label: str, cells: str, mask: np.ndarray
) -> AgreementFigures:
    own = _mean(held.own, patients, mask)
    lines = tuple(
        Beside(name, _mean(held.lines[name], patients, mask), _mean(held.own - held.lines[name], patients, mask))
        for name in LINES
    )
    return AgreementFigures(
        student=student,
        label=label,
        cells=cells,
        own=own,
        lines=lines,
        ceiling=_mean(held.ceiling, patients, mask),
        other_labels=_mean(held.other_labels, patients, mask),
        above_chance=_mean(held.above_chance, patients, mask, rate=True),
        enough=own.n_patients >= MIN_POSITIVE_PATIENTS,
    )


def _lesions(member: str, held: CohortLesions, labels: Sequence[str], patients: np.ndarray) -> list[LesionFigures]:
    if not len(held.films):
        return []
    whose, rows = np.asarray(patients)[held.films], []
    for label, chosen in _by_label(labels, np.eye(len(labels), dtype=bool)[held.labels]):
        marked = np.asarray(chosen.any(axis=1))
        if not marked.any():
            continue
        for figure in MEASURES:
            own = held.figures[OWN][figure]
            mean = _mean(own, whose, marked, rate=True)  # all of them lie between 0 and 1
            rivals = tuple(
                Beside(
                    name,
                    _mean(held.figures[name][figure], whose, marked, rate=True),
                    _mean(own - held.figures[name][figure], whose, marked),
                )
                for name in RIVALS
            )
            enough = mean.n_patients >= MIN_POSITIVE_PATIENTS
            rows.append(LesionFigures(member, label, figure, mean, rivals, enough, float(held.area[marked].mean())))
    return rows
