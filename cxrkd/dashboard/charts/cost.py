"""What the members cost: AUROC against cost, and latency by engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.dashboard.charts.quality import Interval
from cxrkd.text import NOT_ENOUGH


@dataclass(frozen=True)
class LatencyBar:
    """Median and 90th percentile latency of one member on one engine, milliseconds; NaN where there is none."""

    member: str
    engine: str
    median_ms: float
    p90_ms: float


def auroc_against_cost(
    cost: Mapping[str, float], auroc: Mapping[str, Interval], x_title: str, y_title: str
) -> go.Figure:
    """Mean AUROC with its interval against a cost on a logarithmic axis: up and to the left is better.

    Members of equal cost are drawn a little apart, or one would hide the other; hovering shows the cost itself.
    """
    chart = style.figure(380)
    places = apart(cost)
    for member, x in places.items():
        quality = auroc[member]
        chart.add_trace(
            go.Scatter(
                x=[x],
                y=[quality.value],
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [quality.high - quality.value],
                    "arrayminus": [quality.value - quality.low],
                    "color": style.COLOURS[member],
                    "thickness": 1.5,
                },
                mode="markers",
                marker={"symbol": style.SYMBOLS[member], "size": 14, "color": style.COLOURS[member]},
                name=style.name(member),
                customdata=[[cost[member], quality.low, quality.high]],
                hovertemplate="%{customdata[0]:.3s}, AUROC %{y:.3f} (%{customdata[1]:.3f} to %{customdata[2]:.3f})",
            )
        )
    chart.update_xaxes(type="log", title=x_title, **log_ticks(list(places.values())))
    ends = [(auroc[m].value, auroc[m].low, auroc[m].high) for m in places]
    chart.update_yaxes(title=y_title, range=style.auroc_span(*ends))
    if not any(math.isfinite(end[0]) for end in ends):
        style.say_empty(chart, f"No AUROC: {NOT_ENOUGH}")
    return chart


def apart(cost: Mapping[str, float]) -> dict[str, float]:
    """Where to draw each member: its cost, moved by 8 % for each member before it that costs the same."""
    places: dict[str, float] = {}
    for member in style.ordered(cost):
        twins = sum(abs(cost[other] / cost[member] - 1) < 0.02 for other in places)
        places[member] = cost[member] * 1.08**twins
    return places


def log_ticks(costs: Sequence[float]) -> dict[str, Any]:
    """Range a third of a decade beyond the data, ticks with SI prefixes, denser where the range is short."""
    low, high = math.log10(min(costs)) - 0.3, math.log10(max(costs)) + 0.3
    bases = (1, 2, 5) if high - low > 1.2 else (1, 1.5, 2, 3, 5, 7)
    values = [base * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for base in bases]
    shown = [value for value in values if low <= math.log10(value) <= high]
    return {"range": [low, high], "tickvals": shown, "ticktext": [si(value) for value in shown]}


def si(value: float) -> str:
    """`2.9e8` -> `290 M`, `0.5` -> `0.5`: three significant digits with a prefix.

    >>> si(289_941_952), si(7.0e9), si(0.5)
    ('290 M', '7 G', '0.5')
    """
    for factor, prefix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= factor:
            return f"{value / factor:.3g}{prefix}"
    return f"{value:.3g}"


def latency(timings: Sequence[LatencyBar]) -> go.Figure:
    """Median latency per engine and member with a whisker to the 90th percentile."""
    engines = list(dict.fromkeys(timing.engine for timing in timings))
    members = style.ordered(timing.member for timing in timings)
    chart = style.figure(22 * len(engines) * len(members) + 110)
    for member in members:
        own = {timing.engine: timing for timing in timings if timing.member == member}
        rows = [own[engine] for engine in engines if engine in own]
        chart.add_trace(
            go.Bar(
                y=[row.engine for row in rows],
                x=[row.median_ms for row in rows],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [float(np.fmax(0.0, row.p90_ms - row.median_ms)) for row in rows],
                    "arrayminus": [0.0] * len(rows),
                    "color": style.NEUTRAL,
                    "thickness": 1.2,
                },
                orientation="h",
                marker={"color": style.COLOURS[member]},
                name=style.name(member),
                hovertemplate="%{y}: median %{x:.2f} ms",
            )
        )
    chart.update_layout(barmode="group", bargap=0.25)
    ends = [float(np.fmax(timing.median_ms, timing.p90_ms)) for timing in timings]
    top = style.span((0.0,), ends, empty=(0.0, 1.0), least=0.1)[1]
    chart.update_xaxes(title="Milliseconds per image; the whisker ends at the 90th percentile", range=[0, top])
    if not timings:
        style.say_empty(chart, "No engine could run")
    chart.update_yaxes(autorange="reversed", showgrid=False)
    return chart
