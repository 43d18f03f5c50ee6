"""Live curves of a run, from its epoch events."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from numpy.typing import ArrayLike

from cxrkd.dashboard.charts import style
from cxrkd.runs.epochs import curves

_EPOCH_TITLE = "Epoch"


def loss_span(*series: ArrayLike) -> list[float]:
    """Range of an axis of losses."""
    return style.span(*series, empty=(0.0, 1.0), least=0.02, within=(0.0, math.inf))


def epoch_curves(
    events: Sequence[Mapping[str, Any]], value: str, y_title: str, span: Callable[..., list[float]] = loss_span
) -> go.Figure:
    """One line per member and seed of `value` against the epoch, from events of kind "epoch".

    Later seeds of a member are thinner and share its legend entry. An epoch trained again after a resume replaces
    the earlier point. `span` gives the range of the vertical axis for the values drawn.
    """
    chart = style.figure(300)
    series = _series(events, value)
    for (member, seed), points in series.items():
        first = seed == min(s for m, s in series if m == member)
        chart.add_trace(
            go.Scatter(
                x=list(points),
                y=list(points.values()),
                mode="lines+markers",
                line={"color": style.COLOURS[member], "dash": style.DASHES[member], "width": 2.5 if first else 1.2},
                marker={"symbol": style.SYMBOLS[member], "size": 7 if first else 4},
                name=style.name(member),
                legendgroup=member,
                showlegend=first,
                hovertemplate=f"epoch %{{x}}: %{{y:.4f}}<extra>{style.name(member)}, seed {seed}</extra>",
            )
        )
    last = max((epoch for points in series.values() for epoch in points), default=0)
    chart.update_xaxes(title=_EPOCH_TITLE, **style.whole_numbers(last))
    drawn = [list(points.values()) for points in series.values()]
    chart.update_yaxes(title=y_title, range=span(*drawn))
    if not series:
        style.say_empty(chart, "No epoch has ended with a value")
    return chart


def _series(events: Sequence[Mapping[str, Any]], value: str) -> dict[tuple[str, int], dict[int, float]]:
    drawn = {key: points for key, points in curves(events, value).items() if key[0] in style.COLOURS}
    order = style.ordered(member for member, _ in drawn)
    return {key: drawn[key] for key in sorted(drawn, key=lambda k: (order.index(k[0]), k[1]))}


def curves_of_runs(
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    member: str,
    value: str,
    y_title: str,
    span: Callable[..., list[float]],
) -> go.Figure:
    """One line per run and seed of `value` of one member against the epoch, from the events of each run by its title.

    A run has one colour, dash and symbol; its later seeds are thinner and share its legend entry.
    """
    chart, drawn = style.figure(300), []
    for place, (title, events) in enumerate(runs.items()):
        own = {seed: points for (who, seed), points in curves(events, value).items() if who == member}
        for seed, points in sorted(own.items()):
            first = seed == min(own)
            chart.add_trace(
                go.Scatter(
                    x=list(points),
                    y=list(points.values()),
                    mode="lines+markers",
                    line={**style.run_line(place), "width": 2.5 if first else 1.2},
                    marker={"symbol": style.run_symbol(place), "size": 7 if first else 4},
                    name=title,
                    legendgroup=title,
                    showlegend=first,
                    hovertemplate="epoch %{x}: %{y:.4f}<extra>%{fullData.name}</extra>",
                )
            )
            drawn.append(points)
    last = max((epoch for points in drawn for epoch in points), default=0)
    chart.update_xaxes(title=_EPOCH_TITLE, **style.whole_numbers(last))
    chart.update_yaxes(title=y_title, range=span(*(list(points.values()) for points in drawn)))
    if not drawn:
        style.say_empty(chart, f"None of these runs kept epochs of the {style.name(member).lower()}")
    return chart
