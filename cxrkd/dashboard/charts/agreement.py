"""How alike two models' maps are, with what chance and noise would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from cxrkd.dashboard.charts import style

_LOWEST = -1.0


@dataclass(frozen=True)
class AgreementRow:
    """One pair of models: the student, the rank correlation, the chance lines by name, and the ceiling."""

    member: str
    value: float
    chance: Mapping[str, float]
    ceiling: float


def agreement(rows: Sequence[AgreementRow]) -> go.Figure:
    """A marker a pair; grey reaches to the highest chance line, a thin tick a line, a thick one the ceiling."""
    chart = style.figure(54 * len(rows) + 90, legend=False)
    names = [f"Teacher and {style.name(row.member).lower()}" for row in rows]
    chart.add_trace(_grey(names, rows))
    for name, row in zip(names, rows, strict=True):
        for title, value in row.chance.items():
            chart.add_trace(_tick(name, value, f"chance, {title}", size=20, width=1))
        chart.add_trace(_tick(name, row.ceiling, "ceiling", size=24, width=3))
    chart.add_trace(
        go.Scatter(
            y=names,
            x=[row.value for row in rows],
            mode="markers",
            marker={
                "symbol": [style.SYMBOLS[row.member] for row in rows],
                "color": [style.COLOURS[row.member] for row in rows],
                "size": 13,
            },
            hovertemplate="%{x:.2f}<extra></extra>",
        )
    )
    chart.update_xaxes(range=[-1.03, 1.03], title="Rank correlation (Spearman)")
    chart.update_yaxes(autorange="reversed", showgrid=False)
    return chart


def _grey(names: Sequence[str], rows: Sequence[AgreementRow]) -> go.Bar:
    """What is not above chance."""
    reach = [max(row.chance.values(), default=_LOWEST) - _LOWEST for row in rows]
    return go.Bar(
        y=names,
        x=reach,
        base=[_LOWEST] * len(rows),
        orientation="h",
        width=0.5,
        marker={"color": style.FAINT},
        hovertemplate="not above chance<extra></extra>",
    )


def _tick(name: str, value: float, title: str, *, size: int, width: int) -> go.Scatter:
    line = {"color": style.NEUTRAL, "width": width}
    return go.Scatter(
        y=[name],
        x=[value],
        mode="markers",
        marker={"symbol": "line-ns", "size": size, "line": line},
        hovertemplate=f"{title}: %{{x:.2f}}<extra></extra>",
    )
