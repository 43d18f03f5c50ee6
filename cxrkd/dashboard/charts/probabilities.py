"""One film's probabilities against each model's own thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.labels import display_name

_ROW = 30


def probabilities(
    labels: Sequence[str],
    probs: Mapping[str, np.ndarray],
    thresholds: Mapping[str, np.ndarray],
    *,
    present: Sequence[str] = (),
) -> go.Figure:
    """Dumbbells: a marker per member and label, joined by a line; a tick at that member's threshold.

    A marker is filled where the probability reaches the threshold. Labels are sorted by the first member's
    probability, highest on top; labels known to be present are bold. The axis starts at 0 and ends behind the largest
    value, because the probabilities of rare findings crowd near 0.

    Args:
        labels: K label names.
        probs: member -> (K,) in [0, 1].
        thresholds: member -> (K,) in [0, 1].
        present: labels known to be present (samples only).
    """
    members = style.ordered(probs)
    order = np.argsort(probs[members[0]], kind="stable")
    names = [_axis_name(labels[k], labels[k] in present) for k in order]
    chart = style.figure(_ROW * len(labels) + 90)
    _join(chart, names, np.stack([probs[m][order] for m in members]))
    for member in members:
        _ticks(chart, names, thresholds[member][order], member)
        _markers(chart, names, probs[member][order], thresholds[member][order], member)
    top = max(0.3, *(float(np.nan_to_num(values).max()) for table in (probs, thresholds) for values in table.values()))
    title = "Probability (tick: threshold)"
    chart.update_xaxes(range=[-0.02 * top, 1.05 * top], tickformat=".0%", title=title)
    chart.update_yaxes(categoryorder="array", categoryarray=names, showgrid=False)
    return chart


def _axis_name(label: str, present: bool) -> str:
    shown = display_name(label)
    return f"<b>{shown}</b>" if present else shown


def _join(chart: go.Figure, names: Sequence[str], values: np.ndarray) -> None:
    low, high = values.min(axis=0), values.max(axis=0)
    x = np.stack([low, high, np.full_like(low, np.nan)], axis=1).ravel()
    y = [name for name in names for _ in range(3)]
    chart.add_trace(
        go.Scatter(x=x, y=y, mode="lines", line={"color": style.FAINT, "width": 3}, showlegend=False, hoverinfo="skip")
    )


def _ticks(chart: go.Figure, names: Sequence[str], thresholds: np.ndarray, member: str) -> None:
    marker = {"symbol": "line-ns", "size": 16, "line": {"color": style.COLOURS[member], "width": 2}}
    chart.add_trace(
        go.Scatter(
            x=thresholds,
            y=list(names),
            mode="markers",
            marker=marker,
            name=f"{style.name(member)} threshold",
            legendgroup=member,
            showlegend=False,
            hovertemplate="%{y}: threshold %{x:.1%}",
        )
    )


def _markers(chart: go.Figure, names: Sequence[str], probs: np.ndarray, thresholds: np.ndarray, member: str) -> None:
    colour = style.COLOURS[member]
    fills = [colour if p >= t else style.CLEAR for p, t in zip(probs, thresholds, strict=True)]
    marker = {"symbol": style.SYMBOLS[member], "size": 11, "color": fills, "line": {"color": colour, "width": 2}}
    # The legend shows the first point's fill, which says "negative" for most films; a separate entry is always filled.
    chart.add_trace(
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"symbol": style.SYMBOLS[member], "size": 11, "color": colour},
            name=style.name(member),
            legendgroup=member,
            hoverinfo="skip",
        )
    )
    chart.add_trace(
        go.Scatter(
            x=probs,
            y=list(names),
            mode="markers",
            marker=marker,
            name=style.name(member),
            legendgroup=member,
            showlegend=False,
            cliponaxis=False,  # markers at 0 % stay whole on a narrow page
            hovertemplate="%{y}: %{x:.1%}",
        )
    )
