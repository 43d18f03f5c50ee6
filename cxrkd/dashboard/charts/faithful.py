"""Whether maps are true: logits while cells of a film go and come, and what is left of a map without the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cxrkd.dashboard.charts import style

WAYS = {"deletion": ("Deletion", "most relevant cells hidden"), "insertion": ("Insertion", "most relevant cells seen")}
"""Of each curve, its title and what its axis counts."""
_RIVALS = {"label_mean": "dot", "centre": "dash"}


def removal(
    member: str,
    way: str,
    own: np.ndarray | None,
    random: np.ndarray,
    rivals: Mapping[str, np.ndarray],
    titles: Mapping[str, str],
    span: Sequence[float],
) -> go.Figure:
    """Logit against the share of the cells, by the map and by rankings that have not seen the film.

    Args:
        member: whose.
        way: of WAYS.
        own: (P,), by the map; None where it is flat.
        random: (R, P), by lot; drawn as a band from the lowest to the highest.
        rivals: (P,) by name.
        titles: of random rankings and rivals, by name.
        span: range of the logits, the same for both ways.
    """
    title, counted = WAYS[way]
    chart = style.figure(320)
    at = np.linspace(0, 1, random.shape[1])
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    chart.add_trace(go.Scatter(x=at, y=random.min(axis=0), showlegend=False, **edge))
    band = titles["random_ranking"].capitalize()
    chart.add_trace(
        go.Scatter(x=at, y=random.max(axis=0), fill="tonexty", fillcolor=style.FAINT, name=band, **edge),
    )
    for name, curve in rivals.items():
        line = {"color": style.NEUTRAL, "dash": _RIVALS[name], "width": 1.5}
        chart.add_trace(_curve(at, curve, titles[name].capitalize(), line))
    if own is not None:
        line = {"color": style.COLOURS[member], "width": 2.5}
        chart.add_trace(_curve(at, own, "Its map", line, mode="lines+markers", symbol=style.SYMBOLS[member]))
    chart.update_xaxes(title=f"{title}: {counted}", tickformat=style.PERCENT, range=[-0.02, 1.02])
    chart.update_yaxes(title="Logit", range=list(span))
    return chart


def _curve(
    x: np.ndarray, y: np.ndarray, name: str, line: dict[str, object], mode: str = "lines", symbol: str = "circle"
) -> go.Scatter:
    hover = "%{x:.0%} of the cells, logit %{y:.2f}"
    marker = {"symbol": symbol, "size": 7}
    return go.Scatter(x=x, y=y, mode=mode, line=line, marker=marker, name=name, hovertemplate=hover)


def logit_span(*curves: np.ndarray) -> list[float]:
    """Range of the axis of logits for several curves."""
    return style.span(*curves, empty=(-1.0, 1.0), least=1.0)


def cascade(member: str, shares: np.ndarray, left: np.ndarray, other: float) -> go.Figure:
    """Rank correlation with the original map against the share of the layers that are drawn anew.

    Args:
        member: whose.
        shares: (D,).
        left: (D,).
        other: what maps of other films reach; NaN where none are kept.
    """
    chart = style.figure(320, legend=False)
    if not np.isnan(other):
        chart.add_hrect(y0=-1.03, y1=other, fillcolor=style.FAINT, line_width=0, layer="below")
    chart.add_hline(y=0, line={"color": style.NEUTRAL, "width": 1})
    x, y = np.concatenate([[0.0], shares]), np.concatenate([[1.0], left])
    line = {"color": style.COLOURS[member], "width": 2.5}
    hover = "%{x:.0%} of the layers anew, correlation %{y:.2f}<extra></extra>"
    marker = {"symbol": style.SYMBOLS[member], "size": 8}
    chart.add_trace(go.Scatter(x=x, y=y, mode="lines+markers", line=line, marker=marker, hovertemplate=hover))
    chart.update_xaxes(title="Layers with new weights, from the head", tickformat=style.PERCENT, range=[-0.02, 1.03])
    chart.update_yaxes(title="Rank correlation with the map", range=[-1.03, 1.03])
    return chart
