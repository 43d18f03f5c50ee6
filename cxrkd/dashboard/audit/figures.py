"""An audit as tables and sentences. No Streamlit, no models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.tables import minus
from cxrkd.evaluate.means import Mean
from cxrkd.explain.chance import LINE_NAMES
from cxrkd.labels import display_name
from cxrkd.runs.auditing.cells import Cells
from cxrkd.runs.auditing.figures import PRESENT, AuditFigures
from cxrkd.runs.auditing.wording import RIVAL_NAMES, of
from cxrkd.text import NOT_ENOUGH, number, percent

FIELDS = {
    "Same answer, maps not above chance": (True, False),
    "Same answer, maps above chance": (True, True),
    "Other answer, maps above chance": (False, True),
    "Other answer, maps not above chance": (False, False),
}
"""Title -> same answer, same reason; the one to open first."""
TITLES = {
    "hit": "Points into it",
    "energy": "Evidence in it",
    "iou": "IoU, as large as it is",
    "otsu_iou": "IoU after Otsu",
}


def four_fields(cells: Cells) -> pd.DataFrame:
    """Cells in each of the four fields, and their share."""
    n = len(cells.films)
    counts = {title: len(cells.field(same_answer=a, same_reason=r)) for title, (a, r) in FIELDS.items()}
    rows = [[title, count, percent(count / n) if n else ""] for title, count in counts.items()]
    return pd.DataFrame(rows, columns=["Teacher and student", "Cells", "Share"])


def cell_table(cells: Cells, chosen: np.ndarray, ids: np.ndarray, labels: Sequence[str]) -> pd.DataFrame:
    """A row a cell: film, finding, what both answer, and how alike their maps are."""
    return pd.DataFrame(
        {
            "Film": [str(ids[n]) for n in cells.films[chosen]],
            "Finding": [display_name(labels[k]) for k in cells.labels[chosen]],
            "On the film": ["yes" if present else "no" for present in cells.present[chosen]],
            "Teacher": cells.probs_t[chosen],
            "Student": cells.probs_s[chosen],
            "Agreement of maps": cells.agreement[chosen],
        }
    )


def lines_table(figures: AuditFigures) -> pd.DataFrame:
    """A row a line: what it reaches, and how far each student is above it, over present findings."""
    rows = {student: figures.agreement_of(student, PRESENT) for student in figures.students}
    table: dict[str, list[str]] = {"Agreement with the teacher": ["Its own", *_line_titles(figures), "Ceiling"]}
    for student, row in rows.items():
        title = MEMBER_NAMES.get(student, student)
        table[title] = [
            text(row.own),
            *(number(line.value.value, 2) for line in row.lines),
            number(row.ceiling.value, 2),
        ]
        table[f"{title}, above it"] = ["", *(text(line.above, sign=True) for line in row.lines), ""]
    return pd.DataFrame(table).map(minus)


def _line_titles(figures: AuditFigures) -> list[str]:
    return [LINE_NAMES[line.name].capitalize() for line in figures.agreement[0].lines]


def label_table(figures: AuditFigures) -> pd.DataFrame:
    """A row a finding, over films that have it: each student's agreement, and how far above its closest line."""
    rows = []
    for label in figures.labels:
        row: dict[str, object] = {"Finding": display_name(label)}
        for student in figures.students:
            one, title = figures.agreement_of(student, PRESENT, label), MEMBER_NAMES.get(student, student)
            row["Films"] = one.own.n
            row[title] = minus(text(one.own)) if one.enough else NOT_ENOUGH
            row[f"{title}, above the closest line"] = minus(text(one.weakest.above, sign=True)) if one.enough else ""
        rows.append(row)
    return pd.DataFrame(rows)


def lesion_table(figures: AuditFigures, label: str = "") -> pd.DataFrame:
    """A row a network and figure: its maps on marked findings beside maps that have not seen the film."""
    rows = []
    for row in figures.lesions:
        if row.label != label:
            continue
        cells = {"Network": MEMBER_NAMES.get(row.member, row.member), "Figure": TITLES[row.figure]}
        cells["Its map"] = text(row.own) if row.enough else NOT_ENOUGH
        for rival in row.rivals:
            cells[f"Above {RIVAL_NAMES[rival.name]}"] = minus(text(rival.above, sign=True)) if row.enough else ""
        cells["Holds"] = ("yes" if row.holds else "no") if row.enough else ""
        rows.append(cells)
    return pd.DataFrame(rows)


def text(mean: Mean, *, sign: bool = False) -> str:
    """A mean with its interval, to two decimals."""
    return of(mean, sign=sign, digits=2)
