"""How true the maps of an audit are, as tables, for the page and for its report."""

from __future__ import annotations

import pandas as pd

from cxrkd.config import MEMBER_NAMES
from cxrkd.explain.cascade import DEPTHS, at_depths
from cxrkd.explain.faithful import CENTRE, GAIN, LABEL_MEAN, RANDOM
from cxrkd.labels import display_name
from cxrkd.runs.auditing.figures import AuditFigures
from cxrkd.runs.auditing.tables import text
from cxrkd.text import NOT_ENOUGH, minus, number

TITLES = {
    "deletion": "Area under deletion, low is good",
    "insertion": "Area under insertion, high is good",
    "gain": "Insertion minus deletion",
}
BETTER = {RANDOM: "Better than random", LABEL_MEAN: "Better than mean map", CENTRE: "Better than middle"}


def faithful_table(figures: AuditFigures) -> pd.DataFrame:
    """A row a network and figure, over all findings."""
    rows = []
    for row in figures.faithful:
        if row.label:
            continue
        cells = {"Network": MEMBER_NAMES.get(row.member, row.member), "Figure": TITLES[row.figure]}
        cells["Its map"] = text(row.own, sign=True)
        for rival in row.rivals:
            cells[BETTER[rival.name]] = text(rival.above, sign=True) if row.enough else ""
        cells["Holds"] = ("yes" if row.holds else "no") if row.enough else NOT_ENOUGH
        rows.append(cells)
    return pd.DataFrame(rows).map(minus)


def faithful_label_table(figures: AuditFigures) -> pd.DataFrame:
    """A row a finding that was measured: insertion minus deletion of each network, how far above its closest rival."""
    rows = []
    for label in figures.labels:
        row: dict[str, object] = {"Finding": display_name(label)}
        for member in dict.fromkeys(one.member for one in figures.faithful):
            one, title = figures.faithful_of(member, GAIN, label), MEMBER_NAMES.get(member, member)
            if one is None:
                continue
            row["Films"] = one.own.n
            row[title] = minus(text(one.own, sign=True)) if one.enough else NOT_ENOUGH
            row[f"{title}, above the closest"] = minus(text(one.weakest.above, sign=True)) if one.enough else ""
        if len(row) > 1:
            rows.append(row)
    return pd.DataFrame(rows)


def cascade_table(figures: AuditFigures) -> pd.DataFrame:
    """A row a network: what is left of its maps as its weights are drawn anew, from the head downwards."""
    rows = []
    for row in figures.cascade:
        left = {depth: number(mean.value, 2, sign=True) for depth, mean in at_depths(row.shares, row.left).items()}
        cells = {"Drawn anew": MEMBER_NAMES.get(row.member, row.member)}
        cells |= {depth.capitalize(): left.get(depth, "") for depth in DEPTHS}
        cells[DEPTHS[-1].capitalize()] = text(row.left[-1], sign=True)
        cells["Different films"] = text(row.others, sign=True)
        rows.append(cells | {"Hangs on weights": "yes" if row.hangs_on_weights else "not shown"})
    return pd.DataFrame(rows).map(minus)
