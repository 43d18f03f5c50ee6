"""What all figures share: one colour, dash and symbol a member, transparent paper, quiet axes.

Dash and symbol repeat what the colours say (`cxrkd.report.colours`) for readers who do not see the difference. Text and
grid colours come from Streamlit's theme at drawing time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from cxrkd.config import MEMBER_NAMES, MEMBERS
from cxrkd.report.colours import COLOURS, NEUTRAL, RUNS

DASHES: dict[str, str] = {"teacher": "solid", "alone": "dot", "distilled": "dash"}
SYMBOLS: dict[str, str] = {"teacher": "circle", "alone": "square", "distilled": "diamond"}
READER = NEUTRAL
FAINT = "rgba(122,135,148,0.35)"
CLEAR = "rgba(0,0,0,0)"
PERCENT = "~%"
SIGNED = "+~f"
"""Formats of ticks with as many digits as the step needs: a fixed number prints short axes as 0 %, 0 %, 1 %, 1 %."""
MOST_TICKS = 10
CONFIG: dict[str, object] = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}


def ordered(members: Iterable[str]) -> list[str]:
    """Members in the fixed order teacher, alone, distilled, so that a legend never reshuffles."""
    present = set(members)
    return [member for member in MEMBERS if member in present]


def name(member: str) -> str:
    """`alone` -> `Student alone`."""
    return MEMBER_NAMES[member]


def run_line(place: int) -> dict[str, str]:
    """Colour and dash of a run among several, by its place; from the seventh on the colours come again, dashed anew."""
    dashes = ("solid", "dash", "dot", "dashdot")
    return {"color": RUNS[place % len(RUNS)], "dash": dashes[(place + place // len(RUNS)) % len(dashes)]}


def run_symbol(place: int) -> str:
    """The marker of a run among several."""
    symbols = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")
    return symbols[place % len(symbols)]


def translucent(member: str, opacity: float) -> str:
    """The member's colour as `rgba(...)`, for bands and shades."""
    value = COLOURS[member].lstrip("#")
    red, green, blue = (int(value[i : i + 2], 16) for i in (0, 2, 4))
    return f"rgba({red},{green},{blue},{opacity:g})"


def figure(
    height: int,
    *,
    legend: bool = True,
    traces: Sequence[Mapping[str, Any]] = (),
    x: Mapping[str, Any] | None = None,
    y: Mapping[str, Any] | None = None,
) -> go.Figure:
    """A figure in the house style, empty unless told.

    Plotly checks a figure that is made in one go once, and one that is made of updates at every update: of a chart
    that is drawn for each answer it is worth giving all parts here.

    Args:
        height: pixels.
        legend: draw a legend above the plot, left-aligned.
        traces: as plotly describes them, each with its `type`.
        x: settings of the x axis.
        y: settings of the y axis.
    """
    axis = {"automargin": True, "zeroline": False}
    return go.Figure(
        data=list(traces),
        layout={
            "height": height,
            "margin": {"l": 8, "r": 12, "t": 40 if legend else 12, "b": 8},
            "paper_bgcolor": CLEAR,
            "plot_bgcolor": CLEAR,
            "showlegend": legend,
            "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"}
            | {"title": {"text": ""}},
            "hoverlabel": {"namelength": -1},
            "xaxis": axis | dict(x or {}),
            "yaxis": axis | dict(y or {}),
        },
    )


def span(
    *series: ArrayLike, empty: tuple[float, float], least: float, within: tuple[float, float] = (-math.inf, math.inf)
) -> list[float]:
    """Range of an axis: the finite values with air around them; `empty` where there is none.

    Without one, plotly draws -1 to 4 for no data and one unit to either side of a single point.

    Args:
        series: values, or ends of intervals; NaN where there is none.
        empty: the range without any value.
        least: width of the range at least.
        within: values that the quantity can take; the air ends there.
    """
    values = np.concatenate([np.ravel(np.asarray(one, dtype=np.float64)) for one in series] or [np.array([])])
    values = values[np.isfinite(values)]
    if not len(values):
        return list(empty)
    low, high = float(values.min()), float(values.max())
    air = max(0.06 * (high - low), (least - (high - low)) / 2)
    # A little beyond what can be: a marker at 1 is drawn whole.
    edge = 0.03 * (high - low + 2 * air)
    return [max(low - air, within[0] - edge), min(high + air, within[1] + edge)]


def auroc_span(*series: ArrayLike) -> list[float]:
    """Range of an axis of AUROCs."""
    return span(*series, empty=(0.45, 1.0), least=0.05, within=(0.0, 1.0))


def whole_numbers(last: float) -> dict[str, Any]:
    """Settings of an axis that counts from 0 to `last`: a tick stands at a whole number, and no number twice."""
    steps = (digit * 10**power for power in range(12) for digit in (1, 2, 5))
    step = next(step for step in steps if last / step <= MOST_TICKS)
    return {"tickmode": "linear", "tick0": 0, "dtick": step, "tickformat": ",d", "range": [0, 1.04 * max(last, 1)]}


def say_empty(chart: go.Figure, sentence: str) -> None:
    """Write into a figure why nothing is drawn."""
    chart.add_annotation(
        text=sentence, xref="paper", yref="paper", x=0.5, y=0.5, showarrow=False, font={"color": NEUTRAL, "size": 14}
    )


def diagonal(chart: go.Figure, label: str) -> None:
    """The dashed line from (0, 0) to (1, 1): chance in a ROC, perfection in a reliability diagram."""
    chart.add_trace(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": NEUTRAL, "dash": "dash", "width": 1},
            name=label,
            hoverinfo="skip",
        )
    )


def unit_square(chart: go.Figure, x_title: str, y_title: str) -> None:
    """Both axes from 0 to 1 with a little air."""
    chart.update_xaxes(range=[-0.01, 1.01], title=x_title, constrain="domain")
    chart.update_yaxes(range=[-0.01, 1.02], title=y_title)
