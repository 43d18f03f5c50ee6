"""What a study shows: gains with their intervals, as a map of teacher and objective, and AUROC against cost."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.dashboard.charts.cost import log_ticks
from cxrkd.dashboard.charts.quality import Interval, forest_height, whiskers
from cxrkd.studies.figures import CellFigures, OtherFigures, StudyFigures, titles_apart
from cxrkd.text import minus

LINE, LINE_PX = 32, 13
"""Characters of a line beside a gain, so that half of a narrow page is left for the gain; height of a further line."""
SHORT = 14
"""Characters of a line below a square."""
BREAK = "<br>"
DIVERGING = "PRGn"
"""Purple for harm, green for gain: told apart by readers who see red and green alike."""


def gains(cells: Sequence[CellFigures]) -> go.Figure:
    """A marker with its interval for each cell, right of zero is better; hollow where no gain is shown."""
    titles = [_lines(title, LINE) for title in titles_apart(cells)]
    further = max((title.count(BREAK) for title in titles), default=0)
    chart = style.figure(forest_height(len(cells), 1) + 20 + LINE_PX * further * len(cells), legend=False)
    chart.add_vline(x=0, line={"color": style.NEUTRAL, "width": 1})
    rows = [Interval(cell.gain.value, cell.gain.low, cell.gain.high) for cell in cells]
    whiskers(chart, rows, 0.0, "distilled")
    colour = style.COLOURS["distilled"]
    chart.data[-1].marker.color = [colour if cell.claimed else style.CLEAR for cell in cells]
    chart.update_yaxes(
        tickvals=list(range(len(cells))), ticktext=titles, showgrid=False, range=[len(cells) - 0.5, -0.5]
    )
    limits = style.span((0.0,), *[(one.value, one.low, one.high) for one in rows], empty=(-0.05, 0.05), least=0.02)
    chart.update_xaxes(title="AUROC, distilled minus alone", tickformat=style.SIGNED, range=limits)
    return chart


def _lines(title: str, n: int) -> str:
    """A title in lines of at most n characters, if its words allow."""
    return BREAK.join(textwrap.wrap(title, n, break_long_words=False, break_on_hyphens=False))


def gain_map(cells: Sequence[CellFigures]) -> go.Figure:
    """Teachers down, objectives across, the gain in each square; of one student. A star where it is shown."""
    teachers = list(dict.fromkeys(cell.teacher for cell in cells))
    objectives = list(dict.fromkeys(cell.objective for cell in cells))
    values, texts = (
        np.full((len(teachers), len(objectives)), np.nan),
        np.full((len(teachers), len(objectives)), "", object),
    )
    for cell in cells:
        place = teachers.index(cell.teacher), objectives.index(cell.objective)
        values[place] = cell.gain.value
        if not math.isnan(cell.gain.value):
            texts[place] = minus(f"{cell.gain.value:+.3f}{' *' if cell.claimed else ''}")
    most = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    chart = style.figure(46 * len(teachers) + 130, legend=False)
    chart.add_trace(
        go.Heatmap(
            z=values,
            x=[_lines(name, SHORT) for name in objectives],
            y=[_lines(name, LINE) for name in teachers],
            text=texts,
            texttemplate="%{text}",
            colorscale=DIVERGING,
            zmin=-most or -1.0,
            zmax=most or 1.0,
            colorbar={"title": {"text": "Gain"}, "tickformat": style.SIGNED, "thickness": 12},
            hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
            xgap=2,
            ygap=2,
        )
    )
    chart.update_xaxes(showgrid=False, side="bottom")
    chart.update_yaxes(autorange="reversed", showgrid=False)
    return chart


def front(figures: StudyFigures) -> go.Figure:
    """Mean AUROC against multiply-adds of every network; up and to the left is better, a line joins the front."""
    chart = style.figure(400)
    on = sorted((one.cost.macs, one.auroc.value) for _, one in figures.networks if one.front)
    chart.add_trace(
        go.Scatter(
            x=[macs for macs, _ in on],
            y=[auroc for _, auroc in on],
            mode="lines",
            line={"color": style.NEUTRAL, "dash": "dash", "width": 1},
            name="Front",
            hoverinfo="skip",
        )
    )
    for member in style.ordered(member for member, _ in figures.networks):
        _points(chart, member, [one for who, one in figures.networks if who == member])
    points = [one for _, one in figures.networks]
    ends = [(one.auroc.value, one.auroc.low, one.auroc.high) for one in points]
    ticks = log_ticks([one.cost.macs for one in points]) if points else {}
    chart.update_xaxes(type="log", title="Multiply-adds of a film", **ticks)
    chart.update_yaxes(title="Mean AUROC", range=style.auroc_span(*ends))
    if not points:
        style.say_empty(chart, "No network is measured yet")
    return chart


def _points(chart: go.Figure, member: str, group: Sequence[CellFigures | OtherFigures]) -> None:
    value, low, high = (np.array([getattr(one.auroc, end) for one in group]) for end in ("value", "low", "high"))
    names = [one.title if isinstance(one, CellFigures) else one.name for one in group]
    chart.add_trace(
        go.Scatter(
            x=[one.cost.macs for one in group],
            y=value,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": high - value,
                "arrayminus": value - low,
                "color": style.translucent(member, 0.6),
                "thickness": 1.2,
                "width": 3,
            },
            mode="markers",
            marker={"symbol": style.SYMBOLS[member], "size": 11, "color": style.COLOURS[member], "opacity": 0.85},
            name=style.name(member),
            text=names,
            hovertemplate="%{text}<br>%{x:.3s} multiply-adds, AUROC %{y:.3f}<extra></extra>",
        )
    )
