"""Films side by side with tied axes: zoom into one and all follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cxrkd.dashboard.charts import style
from cxrkd.dashboard.pictures import Panel
from cxrkd.images.encoded import data_uri

_BAR_PIXELS = 320
_LINE_PIXELS = 18
_TITLE_PIXELS, _BELOW_PIXELS, _USUAL_PIXELS = 26, 52, 240


@dataclass(frozen=True)
class ColourBar:
    """The scale of the heat: a plotly colour scale as (position, colour) pairs, its range, and what it measures."""

    colours: list[tuple[float, str]]
    low: float
    high: float
    title: str


def films(
    panels: Sequence[Panel], bar: ColourBar | None = None, height: int = 0, *, columns: int = 0, revision: str = ""
) -> go.Figure:
    """One picture a panel, axes tied for zoom and pan; outlines on top; one colour bar below.

    Args:
        panels: of films of one side, in reading order.
        bar: what the colours mean.
        height: of a row in pixels, without its notes; 0 leaves it to where the figure is put, see `height_of`.
        columns: panels in a row; 0 means all.
        revision: while it stays the same, a figure that is drawn anew keeps the zoom of the last one.

    Raises:
        ValueError: no panels.
    """
    if not panels:
        raise ValueError("expected at least one panel")
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    above, below = _TITLE_PIXELS + _LINE_PIXELS * _note_lines(panels), 4 if bar is None else _BELOW_PIXELS
    usual = rows * (height or _USUAL_PIXELS) + (rows - 1) * above
    chart = make_subplots(
        rows=rows,
        cols=columns,
        horizontal_spacing=0.012,
        vertical_spacing=above / usual if rows > 1 else 0.0,
        subplot_titles=[_title(p) for p in panels],
    )
    sources: dict[int, str] = {}  # the film is one picture in all panels, and packed once
    for number, panel in enumerate(panels):
        at = {"row": 1 + number // columns, "col": 1 + number % columns}
        source = sources.setdefault(id(panel.rgb), "") or data_uri(panel.rgb)
        sources[id(panel.rgb)] = source
        chart.add_trace(_image(source, panel.rgb.shape, panel), **at)
        if panel.layer is not None:
            chart.add_trace(_image(data_uri(panel.layer), panel.layer.shape, panel), **at)
        for colour, (x, y) in panel.curves:
            line = {"color": colour, "width": 2}
            chart.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip"), **at)
    if bar is not None:
        chart.add_trace(_colour_bar(bar))
    side = _side(panels[0])
    chart.update_xaxes(visible=False, range=[-0.5, side - 0.5], matches="x", constrain="domain")
    chart.update_yaxes(
        visible=False,
        range=[side * panels[0].rgb.shape[0] / panels[0].rgb.shape[1] - 0.5, -0.5],
        matches="y",
        scaleanchor="x",
        constrain="domain",
        constraintoward="top",
    )
    chart.update_layout(
        height=usual + above + below if height else None,
        showlegend=False,
        margin={"l": 0, "r": 0, "t": above, "b": below},
        paper_bgcolor=style.CLEAR,
        plot_bgcolor=style.CLEAR,
        dragmode="pan",
        uirevision=revision or None,
    )
    return chart


def height_of(figure: go.Figure, columns: int, rows: int = 1) -> str:
    """The CSS height at which a figure of square films has no empty place, whatever the width of its container."""
    margin = figure.layout.margin
    return f"calc(100cqw / {columns} * {rows} + {int(rows * margin.t + margin.b)}px)"


def _note_lines(panels: Sequence[Panel]) -> int:
    return max(len(panel.note.splitlines()) for panel in panels)


def _side(panel: Panel) -> int:
    return panel.side or panel.rgb.shape[1]


def _image(source: str, shape: tuple[int, ...], panel: Panel) -> go.Image:
    """A picture of any number of pixels across the whole panel; smooth where it is enlarged."""
    step = _side(panel) / shape[1]
    first = (step - 1) / 2  # the middle of its first pixel, where coordinates count from that of the panel's own
    return go.Image(source=source, x0=first, y0=first, dx=step, dy=step, zsmooth="fast", hoverinfo="skip")


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
            "orientation": "h",  # below the films, which are wanted as wide as they can be
            "title": {"text": bar.title, "side": "top"},
            "thickness": 10,
            "lenmode": "pixels",  # the films shrink with the page
            "len": _BAR_PIXELS,
            "x": 0.0,
            "xanchor": "left",
            "xpad": 12,
            "y": 0.0,
            "yanchor": "top",
            "ypad": 6,
        },
    }
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, hoverinfo="skip")
