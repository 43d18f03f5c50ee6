"""The report of an audit: verdicts with what they hang on, every table, and the cells worth a look."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.explain.cam_family import cams
from cxrkd.explain.chance import LINE_NAMES
from cxrkd.images.encoded import small_uri
from cxrkd.labels import display_name
from cxrkd.report import charts
from cxrkd.report.cell_pictures import shelf
from cxrkd.report.provenance import NOT_CLINICAL, about_data, about_run, made_with, published, stamp, versions
from cxrkd.report.sheet import Sheet, Table
from cxrkd.runs.auditing import tables
from cxrkd.runs.auditing.at_hand import NOT_AT_HAND, FilmsAtHand
from cxrkd.runs.auditing.cells import NEAR, cells_of
from cxrkd.runs.auditing.gallery import Kind
from cxrkd.runs.auditing.job import DIGESTS
from cxrkd.runs.auditing.proof_tables import cascade_table, faithful_label_table, faithful_table
from cxrkd.runs.auditing.wording import FAITHFUL_RULE, NOT_PROVED, OVER, remarks, rule, verdicts
from cxrkd.text import percent

if TYPE_CHECKING:
    import pandas as pd

    from cxrkd.runs.auditing.figures import AuditFigures
    from cxrkd.runs.auditing.job import AuditJob

VERSION = 1
_PROOFS = (faithful_table, faithful_label_table, cascade_table)


def audit_report(
    job: AuditJob, *, named: bool = False, at_hand: FilmsAtHand | None = None, now: datetime | None = None
) -> Sheet:
    """The report.

    Args:
        job: a finished audit of the weights that its run has now.
        named: names of films may be told. Those of files may be patients' names: without this such films are numbered;
            films of published data sets go by their published names anyway.
        at_hand: its films, to draw maps on.
        now: when it is made, if not now.

    Raises:
        RunError: some of what is kept is missing or damaged.
        OSError: weights cannot be read.
    """
    run, figures, films = job.run(), job.figures(), at_hand or FilmsAtHand(job)
    titles = _titles(job, named=named)
    students = {student: _Student(job, student, titles, films) for student in reversed(figures.students)}
    missing, thresholds = [NOT_AT_HAND] if films.cohort is None else [], _thresholds(job)
    document = {
        "report": "audit",
        "version": VERSION,
        "notice": NOT_CLINICAL,
        "made": stamp(now),
        "run": about_run(run),
        "audit": _about_audit(job, figures),
        "remarks": [*remarks(job), *missing],
        "verdicts": verdicts(figures),
        "rule": rule(figures),
        "faithful_rule": FAITHFUL_RULE if figures.faithful else NOT_PROVED,
        "figures": figures.to_dict(),
        "students": {student: one.document() for student, one in students.items()},
        "thresholds": thresholds,
        "inputs_sha256": _inputs(job),
        "versions": versions(),
        "audited_with": made_with(job.environment()),
    }
    content = {
        "member_names": MEMBER_NAMES,
        "title": f"Audit of {run.name}",
        "over": OVER[figures.counted],
        "near": NEAR,
        "above": _above(figures),
        "lines": table_of(tables.lines_table(figures)),
        "labels": table_of(tables.label_table(figures)),
        "lesions": table_of(tables.lesion_table(figures)) if figures.lesions else None,
        "outside": _outside(figures),
        "proofs": [table_of(of(figures)) for of in _PROOFS] if figures.faithful else [],
        "students": [one.content() for one in students.values()],
        "thresholds": _threshold_table(thresholds, run.labels),
    }
    return Sheet(document, "audit.html", content)


class _Student:
    """Cells of one student, as values and as pictures."""

    def __init__(self, job: AuditJob, student: str, titles: Sequence[str], films: FilmsAtHand) -> None:
        member: Member = student  # type: ignore[assignment]  # figures name members
        self.student, self.cells, self.titles = student, cells_of(job, member), titles
        self.labels = job.run().labels
        self.shelf = shelf(job, member, self.cells, films)

    def document(self) -> dict[str, Any]:
        """Counts of the four fields, and the gallery."""
        counts = {title: len(self.cells.field(same_answer=a, same_reason=r)) for title, (a, r) in tables.FIELDS.items()}
        return {"fields": counts, "gallery": [self._kind(kind) for kind in self.shelf.kinds]}

    def _kind(self, kind: Kind) -> dict[str, Any]:
        return {"title": kind.title, "sentence": kind.sentence, "cells": [self._cell(int(m)) for m in kind.cells]}

    def _cell(self, m: int) -> dict[str, Any]:
        cells = self.cells
        return {
            "film": self.titles[cells.films[m]],
            "label": self.labels[cells.labels[m]],
            "present": bool(cells.present[m]) if cells.known[m] else None,
            "prob_teacher": float(cells.probs_t[m]),
            "prob_student": float(cells.probs_s[m]),
            "agreement": float(cells.agreement[m]),
            "same_answer": bool(cells.same_answer[m]),
            "above_chance": bool(cells.same_reason[m]),
        }

    def content(self) -> dict[str, Any]:
        """What the page shows."""
        cells = self.cells
        return {
            "name": MEMBER_NAMES[self.student],
            "fields": table_of(tables.four_fields(cells)),
            "chart": charts.cells(self.student, cells.probs_s - cells.probs_t, cells.agreement),
            "kinds": [
                {"title": kind.title, "sentence": kind.sentence, "cells": [self._picture(int(m)) for m in kind.cells]}
                for kind in self.shelf.kinds
            ],
        }

    def _picture(self, m: int) -> dict[str, Any]:
        note = tables.cell_note(self.cells, m)
        title = f"{display_name(self.labels[self.cells.labels[m]])}, {self.titles[self.cells.films[m]]}"
        who = zip((MEMBER_NAMES["teacher"], MEMBER_NAMES[self.student]), self.shelf.pictures[m], strict=True)
        pair = [{"uri": small_uri(rgb), "alt": f"{name}, {title}: {note}"} for name, rgb in who]
        return {"title": title, "note": note, "pair": pair}


def _titles(job: AuditJob, *, named: bool) -> list[str]:
    ids = job.films()["ids"]
    if named or published(job.data):
        return [str(name) for name in ids]
    return [f"film {n} of {len(ids)}" for n in range(1, len(ids) + 1)]


def _about_audit(job: AuditJob, figures: AuditFigures) -> dict[str, Any]:
    method, finished = cams()[job.config.method], job.state.finished
    return {
        "id": job.id,
        "method": {"name": method.name, "title": method.title, "sentence": method.sentence},
        "films": "test films of the run" if job.config.data is None else "films of another data set",
        "data": about_data(job.data),
        "at_most": job.config.films,
        "n": figures.n,
        "n_patients": figures.n_patients,
        "n_marked": figures.n_marked,
        "done": None if finished is None else stamp(datetime.fromtimestamp(finished, UTC)),
    }


def _inputs(job: AuditJob) -> str | None:
    """One hash over the hashes of all films as networks were shown them, a line each; None of an older audit."""
    digests = job.films().get(DIGESTS)
    return None if digests is None else hashlib.sha256("\n".join(map(str, digests)).encode()).hexdigest()


def _thresholds(job: AuditJob) -> dict[str, dict[str, float]]:
    run = job.run()
    return {
        str(member): dict(zip(run.labels, map(float, run.thresholds(member)), strict=True)) for member in run.members()
    }


def _threshold_table(thresholds: Mapping[str, Mapping[str, float]], labels: Sequence[str]) -> Table:
    rows = [[display_name(label), *(percent(cuts[label]) for cuts in thresholds.values())] for label in labels]
    return Table(["Called from", *(MEMBER_NAMES[m] for m in thresholds)], rows)


def _above(figures: AuditFigures) -> str | None:
    rows = {s: [line.above for line in figures.agreement_of(s, figures.counted).lines] for s in figures.students}
    if not rows:
        return None
    return charts.above([LINE_NAMES[line.name].capitalize() for line in figures.agreement[0].lines], rows)


def _outside(figures: AuditFigures) -> Table | None:
    rows = [
        [MEMBER_NAMES[row.member], tables.text(row.own), percent(row.air, 0)] for row in figures.outside if row.own.n
    ]
    head = ["Evidence outside the body", OVER[figures.counted].capitalize(), "share of the film outside"]
    return Table(head, rows) if rows else None


def table_of(frame: pd.DataFrame) -> Table:
    """A data frame of texts and numbers as a table."""
    return Table([str(name) for name in frame.columns], [[str(cell) for cell in row] for row in frame.to_numpy()])
