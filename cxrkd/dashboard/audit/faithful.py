"""The section *Do the maps say what the network uses?* of the Audit page."""

from __future__ import annotations

import streamlit as st

from cxrkd.dashboard import layout
from cxrkd.dashboard.charts import audit as charts
from cxrkd.dashboard.charts.quality import Interval
from cxrkd.explain.faithful import GAIN, LINE_TITLES
from cxrkd.runs.auditing.figures import AuditFigures
from cxrkd.runs.auditing.proof_tables import cascade_table, faithful_label_table, faithful_table
from cxrkd.runs.auditing.wording import FAITHFUL_RULE, NOT_PROVED


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
    with st.expander("Every finding"):
        layout.table(faithful_label_table(figures), height="content", key="faithful_labels")
    layout.table(cascade_table(figures), height="content", key="cascade")
    st.caption(f"{first.own.n} present findings, logits. {FAITHFUL_RULE}")
