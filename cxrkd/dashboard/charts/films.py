"""Films side by side with tied axes: zoom into one and all follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cxrkd.dashboard.charts import style
from cxrkd.dashboard.pictures import OUTLINE_COLOUR, Panel
from cxrkd.images.encoded import data_uri

_BAR_PIXELS = 240
_LINE_PIXELS = 18


@dataclass(frozen=True)
class ColourBar:
    """The scale of the heat: a plotly colour scale as (position, colour) pairs, its range, and what it measures."""

    colours: list[tuple[float, str]]
    low: float
    high: float
    title: str


def films(panels: Sequence[Panel], bar: ColourBar | None = None, height: int = 360) -> go.Figure:
    """One picture a panel, axes tied for zoom and pan; outlines on top; one colour bar on the right.

    Raises:
        ValueError: no panels.
    """
    if not panels:
        raise ValueError("expected at least one panel")
    chart = make_subplots(
        rows=1, cols=len(panels), horizontal_spacing=0.012, subplot_titles=[_title(p) for p in panels]
    )
    for column, panel in enumerate(panels, start=1):
        chart.add_trace(go.Image(source=data_uri(panel.rgb), hoverinfo="skip"), row=1, col=column)
        for x, y in panel.outlines:
            line = {"color": OUTLINE_COLOUR, "width": 2}
            chart.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip"), row=1, col=column)
    if bar is not None:
        chart.add_trace(_colour_bar(bar))
    rows, columns = panels[0].rgb.shape[:2]
    chart.update_xaxes(visible=False, range=[-0.5, columns - 0.5], matches="x", constrain="domain")
    chart.update_yaxes(
        visible=False, range=[rows - 0.5, -0.5], matches="y", scaleanchor="x", constrain="domain", constraintoward="top"
    )
    chart.update_layout(
        height=height + _LINE_PIXELS * max(0, _note_lines(panels) - 1),
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 26 + _LINE_PIXELS * _note_lines(panels), "b": 4},
        paper_bgcolor=style.CLEAR,
        plot_bgcolor=style.CLEAR,
        dragmode="pan",
    )
    return chart


def _note_lines(panels: Sequence[Panel]) -> int:
    return max(len(panel.note.splitlines()) for panel in panels)


def _title(panel: Panel) -> str:
    return "<br>".join([panel.title, *(f"<sup>{line}</sup>" for line in panel.note.splitlines())])


def _colour_bar(bar: ColourBar) -> go.Scatter:
    """An invisible point that carries the colour bar; the pictures themselves are already coloured."""
    marker = {
        "color": [bar.low],
        "colorscale": bar.colours,
        "cmin": bar.low,
        "cmax": bar.high,
        "showscale": True,
        "colorbar": {
            "title": {"text": bar.title, "side": "right"},
            "thickness": 10,
            "lenmode": "pixels",  # the films shrink with the page, the figure's height does not
            "len": _BAR_PIXELS,
            "y": 1.0,
            "yanchor": "top",
            "x": 1.01,
        },
    }
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, hoverinfo="skip")
