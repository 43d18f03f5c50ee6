"""What all figures share: one colour, dash and symbol a member, transparent paper, quiet axes.

Colours are Okabe and Ito's (2008) blue, orange and bluish green, each darkened or lightened until it stands out on both
the light and the dark page; dash and symbol repeat the message for readers who do not see the difference. Text and
grid colours come from Streamlit's theme at drawing time.
"""

from __future__ import annotations

from collections.abc import Iterable

import plotly.graph_objects as go

from cxrkd.config import MEMBER_NAMES, MEMBERS

COLOURS: dict[str, str] = {"teacher": "#2F86C9", "alone": "#E07B00", "distilled": "#029E73"}
DASHES: dict[str, str] = {"teacher": "solid", "alone": "dot", "distilled": "dash"}
SYMBOLS: dict[str, str] = {"teacher": "circle", "alone": "square", "distilled": "diamond"}
NEUTRAL = "#7A8794"
FAINT = "rgba(122,135,148,0.35)"
CLEAR = "rgba(0,0,0,0)"
CONFIG: dict[str, object] = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}


def ordered(members: Iterable[str]) -> list[str]:
    """Members in the fixed order teacher, alone, distilled, so that a legend never reshuffles."""
    present = set(members)
    return [member for member in MEMBERS if member in present]


def name(member: str) -> str:
    """`alone` -> `Student alone`."""
    return MEMBER_NAMES[member]


def translucent(member: str, opacity: float) -> str:
    """The member's colour as `rgba(...)`, for bands and shades."""
    value = COLOURS[member].lstrip("#")
    red, green, blue = (int(value[i : i + 2], 16) for i in (0, 2, 4))
    return f"rgba({red},{green},{blue},{opacity:g})"


def figure(height: int, *, legend: bool = True) -> go.Figure:
    """An empty figure in the house style.

    Args:
        height: pixels.
        legend: draw a legend above the plot, left-aligned.
    """
    chart = go.Figure()
    chart.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 40 if legend else 12, "b": 8},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        showlegend=legend,
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "title": {"text": ""}},
        hoverlabel={"namelength": -1},
    )
    chart.update_xaxes(automargin=True, zeroline=False)
    chart.update_yaxes(automargin=True, zeroline=False)
    return chart


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
