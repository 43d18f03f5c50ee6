"""The section *Do the maps say what the network uses?* of the Audit page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import layout
from cxrkd.dashboard.charts import audit as charts
from cxrkd.dashboard.charts.quality import Interval
from cxrkd.dashboard.tables import minus
from cxrkd.explain.cascade import DEPTHS, at_depths
from cxrkd.explain.faithful import GAIN, LINE_TITLES
from cxrkd.labels import display_name
from cxrkd.runs.auditing.figures import AuditFigures
from cxrkd.runs.auditing.tables import text
from cxrkd.runs.auditing.wording import FAITHFUL_RULE, NOT_PROVED
from cxrkd.text import NOT_ENOUGH

TITLES = {
    "deletion": "Area under deletion, low is good",
    "insertion": "Area under insertion, high is good",
    "gain": "Insertion minus deletion",
}


def show(figures: AuditFigures) -> None:
    """The section."""
    if not figures.faithful:
        layout.notice(NOT_PROVED)
        return
    rows = {row.member: row for row in figures.faithful if row.figure == GAIN and not row.label}
    first = next(iter(rows.values()))
    names = [LINE_TITLES[rival.name].capitalize() for rival in first.rivals]
    above = {
        member: [Interval(one.above.value, one.above.low, one.above.high) for one in row.rivals]
        for member, row in rows.items()
    }
    chart = charts.above(names, above, "Insertion minus deletion, above the ranking (logit)")
    layout.chart(chart, key="faithful", alt="How far the map of each network is above rankings without the film")
    layout.table(faithful_table(figures), height="content", key="faithful_all")
    measured = [label for label in figures.labels if figures.faithful_of(first.member, GAIN, label) is not None]
    with st.expander("Every finding"):
        layout.table(label_table(figures, measured), height="content", key="faithful_labels")
    layout.table(cascade_table(figures), height="content", key="cascade")
    st.caption(f"{first.own.n} present findings, logits. {FAITHFUL_RULE}")


def faithful_table(figures: AuditFigures) -> pd.DataFrame:
    """A row a network and figure, over all findings."""
    rows = []
    for row in figures.faithful:
        if row.label:
            continue
        cells = {"Network": MEMBER_NAMES.get(row.member, row.member), "Figure": TITLES[row.figure]}
        cells["Its map"] = text(row.own, sign=True)
        for rival in row.rivals:
            cells[f"Better than {LINE_TITLES[rival.name]}"] = text(rival.above, sign=True) if row.enough else ""
        cells["Holds"] = ("yes" if row.holds else "no") if row.enough else NOT_ENOUGH
        rows.append(cells)
    return pd.DataFrame(rows).map(minus)


def label_table(figures: AuditFigures, labels: list[str]) -> pd.DataFrame:
    """A row a finding: insertion minus deletion of each network, and how far above its closest rival."""
    rows = []
    for label in labels:
        row: dict[str, object] = {"Finding": display_name(label)}
        for member in dict.fromkeys(one.member for one in figures.faithful):
            one, title = figures.faithful_of(member, GAIN, label), MEMBER_NAMES.get(member, member)
            if one is None:
                continue
            row["Films"] = one.own.n
            row[title] = minus(text(one.own, sign=True)) if one.enough else NOT_ENOUGH
            row[f"{title}, above the closest"] = minus(text(one.weakest.above, sign=True)) if one.enough else ""
        rows.append(row)
    return pd.DataFrame(rows)


def cascade_table(figures: AuditFigures) -> pd.DataFrame:
    """A row a network: what is left of its maps as its weights are drawn anew, from the head downwards."""
    rows = []
    for row in figures.cascade:
        left = {depth: text(mean, sign=True) for depth, mean in at_depths(row.shares, row.left).items()}
        cells = {"Drawn anew": MEMBER_NAMES.get(row.member, row.member)}
        cells |= {depth.capitalize(): left.get(depth, "") for depth in DEPTHS}
        cells["Different films"] = text(row.others, sign=True)
        rows.append(cells | {"Hangs on weights": "yes" if row.hangs_on_weights else "not shown"})
    return pd.DataFrame(rows).map(minus)
