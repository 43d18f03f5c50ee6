"""Agreement of explanations beside what chance and noise would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from cxrkd.dashboard.charts import style


@dataclass(frozen=True)
class AgreementRow:
    """One pair of models: the student, the rank correlation, chance (mean and 95th percentile) and ceiling."""

    member: str
    value: float
    chance: float
    chance_high: float
    ceiling: float


def agreement(rows: Sequence[AgreementRow]) -> go.Figure:
    """A marker a pair; the grey bar is chance up to its 95th percentile, the tick the teacher under light noise."""
    chart = style.figure(54 * len(rows) + 90, legend=False)
    names = [f"Teacher and {style.name(row.member).lower()}" for row in rows]
    chart.add_trace(
        go.Bar(
            y=names,
            x=[row.chance_high - row.chance for row in rows],
            base=[row.chance for row in rows],
            orientation="h",
            width=0.5,
            marker={"color": style.FAINT},
            hovertemplate="chance, mean to 95th percentile<extra></extra>",
        )
    )
    chart.add_trace(
        go.Scatter(
            y=names,
            x=[row.ceiling for row in rows],
            mode="markers",
            marker={"symbol": "line-ns", "size": 24, "line": {"color": style.NEUTRAL, "width": 2}},
            hovertemplate="ceiling %{x:.2f}<extra></extra>",
        )
    )
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
    chart.update_xaxes(range=[-1.03, 1.03], title="Rank correlation of the two maps (Spearman)")
    chart.update_yaxes(autorange="reversed", showgrid=False)
    return chart
