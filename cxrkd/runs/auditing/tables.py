"""An audit as tables, for the page and for its report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxrkd.config import MEMBER_NAMES
from cxrkd.evaluate.means import Mean
from cxrkd.explain.chance import LINE_NAMES
from cxrkd.labels import display_name
from cxrkd.runs.auditing.cells import Cells
from cxrkd.runs.auditing.figures import AuditFigures
from cxrkd.runs.auditing.wording import RIVAL_NAMES, of
from cxrkd.text import NOT_ENOUGH, minus, number, percent

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
            "On the film": [presence(cells, m) for m in chosen],
            "Teacher": cells.probs_t[chosen],
            "Student": cells.probs_s[chosen],
            "Agreement of maps": cells.agreement[chosen],
        }
    )


def presence(cells: Cells, m: int) -> str:
    """Whether the finding of a cell is on its film, for a table."""
    return ("yes" if cells.present[m] else "no") if cells.known[m] else "not known"


def cell_note(cells: Cells, m: int) -> str:
    """A cell in words: what both answer, how alike their maps are, and whether the finding is on the film."""
    answers = f"teacher {percent(cells.probs_t[m], 0)}, student {percent(cells.probs_s[m], 0)}"
    alike = minus(number(cells.agreement[m], 2))
    on_it = {"yes": "on the film", "no": "not on the film", "not known": "not known whether on the film"}
    return f"{answers}; agreement {alike}; {on_it[presence(cells, m)]}"


def lines_table(figures: AuditFigures) -> pd.DataFrame:
    """A row a line: what it reaches, and how far each student is above it, over the cells that count."""
    rows = {student: figures.agreement_of(student, figures.counted) for student in figures.students}
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
    """A row a finding, over its cells that count: each student's agreement, and how far above its closest line."""
    rows = []
    for label in figures.labels:
        row: dict[str, object] = {"Finding": display_name(label)}
        for student in figures.students:
            one, title = figures.agreement_of(student, figures.counted, label), MEMBER_NAMES.get(student, student)
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
