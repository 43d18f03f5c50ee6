"""What runs along while a folder is watched: how far the networks are apart, and how long an answer takes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.report.colours import COLOURS, NEUTRAL
from cxrkd.runs.watching.store import FilmRow

HEIGHT = 240


def differences(rows: Sequence[FilmRow], names: Sequence[str]) -> go.Figure:
    """The largest difference of a probability on each film, in their order; filled where some call differs."""
    differs = [row.comparison.agreed < row.comparison.judged for row in rows]
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": title,
            "x": [row.number for row, own in zip(rows, differs, strict=True) if own is differing],
            "y": [row.comparison.largest for row, own in zip(rows, differs, strict=True) if own is differing],
            "text": [escape(name) for name, own in zip(names, differs, strict=True) if own is differing],
            "marker": {"symbol": symbol, "size": 8, "color": colour},
            "cliponaxis": False,
            "hovertemplate": "%{text}: %{y:.3f}<extra></extra>",
        }
        for differing, title, symbol, colour in (
            (False, "Same calls", "circle-open", NEUTRAL),
            (True, "A call differs", "diamond", COLOURS["distilled"]),
        )
    ]
    top = style.span((0.0,), [row.comparison.largest for row in rows], empty=(0.0, 1.0), least=0.2)[1]
    y = {"title": {"text": "Largest difference"}, "range": [0, top]}
    return style.figure(HEIGHT, traces=traces, x={"title": {"text": "Film"}, "tickformat": ",d"}, y=y)


def latency(rows: Sequence[FilmRow], names: Sequence[str]) -> go.Figure:
    """Seconds from the first sight of each file to its answer, in their order."""
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [row.number for row in rows],
        "y": [row.waited_s for row in rows],
        "text": list(map(escape, names)),
        "line": {"width": 1, "color": NEUTRAL},
        "marker": {"size": 5},
        "hovertemplate": "%{text}: %{y:.1f} s<extra></extra>",
    }
    y = {"title": {"text": "Seconds to the answer"}, "rangemode": "tozero"}
    x = {"title": {"text": "Film"}, "tickformat": ",d"}
    return style.figure(HEIGHT, legend=False, traces=[trace], x=x, y=y)
