"""What an audit shows: agreement of students beside what agrees without seeing the film, and cells as points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.dashboard.charts.quality import Interval, forest_height, whiskers

ABOVE = "Rank correlation with the teacher, above the line"


def above(lines: Sequence[str], rows: Mapping[str, Sequence[Interval]], title: str = ABOVE) -> go.Figure:
    """How far each network is above each chance line: a dodged marker with its interval; right of zero is above.

    Args:
        lines: titles.
        rows: network -> a difference a line.
        title: of the axis.
    """
    students = style.ordered(rows)
    chart = style.figure(forest_height(len(lines), len(students)) + 20)
    chart.add_vline(x=0, line={"color": style.NEUTRAL, "width": 1})
    for place, student in enumerate(students):
        whiskers(chart, rows[student], ((len(students) - 1) / 2 - place) * 0.24, student)
    ticks = list(range(len(lines)))
    chart.update_yaxes(tickvals=ticks, ticktext=list(lines), range=[len(lines) - 0.5, -0.5], showgrid=False)
    ends = [(one.value, one.low, one.high) for own in rows.values() for one in own]
    limits = style.span((0.0,), *ends, empty=(-0.1, 0.3), least=0.1)
    chart.update_xaxes(title=title, tickformat=style.SIGNED, range=limits)
    return chart


def cells(student: str, gap: np.ndarray, agreement: np.ndarray, titles: Sequence[str], near: float) -> go.Figure:
    """A point a cell: how far the answers are apart, and how alike the maps are.

    Args:
        student: whose.
        gap: float (M,), probability of the student minus that of the teacher.
        agreement: float (M,), rank correlation of the maps.
        titles: M, for the pointer.
        near: within this the answers count as one.
    """
    chart = style.figure(360, legend=False)
    chart.add_vrect(x0=-near, x1=near, fillcolor=style.FAINT, line_width=0, layer="below", opacity=0.5)
    chart.add_hline(y=0, line={"color": style.NEUTRAL, "width": 1})
    chart.add_trace(
        go.Scattergl(
            x=gap,
            y=agreement,
            mode="markers",
            marker={"color": style.COLOURS[student], "size": 6, "opacity": 0.55},
            text=list(titles),
            hovertemplate="%{text}<br>probability %{x:+.2f}, agreement %{y:.2f}<extra></extra>",
        )
    )
    chart.update_xaxes(title="Probability, student minus teacher", tickformat=style.SIGNED)
    chart.update_yaxes(title="Agreement of maps", range=[-1.03, 1.03])
    return chart
