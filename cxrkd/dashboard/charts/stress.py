"""What degraded films cost the members: a row a degradation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.dashboard.charts.quality import Interval, forest_height, whiskers
from cxrkd.text import NOT_ENOUGH


def changes(titles: Sequence[str], rows: Mapping[str, Sequence[Interval]], tolerated: float) -> go.Figure:
    """Change of the mean AUROC under each degradation, a dodged marker with its interval a member.

    Args:
        titles: D degradations.
        rows: member -> D changes, negative where the network got worse.
        tolerated: the drop that is still said to hold; a line stands there.
    """
    members = style.ordered(rows)
    chart = style.figure(forest_height(len(titles), len(members)) + 20)
    line = {"color": style.NEUTRAL, "width": 1}
    chart.add_vline(x=0, line=line)
    chart.add_vline(x=-tolerated, line=line | {"dash": "dash"})
    for place, member in enumerate(members):
        whiskers(chart, rows[member], ((len(members) - 1) / 2 - place) * 0.24, member)
    chart.update_yaxes(
        tickvals=list(range(len(titles))),
        ticktext=list(titles),
        range=[len(titles) - 0.5, -0.5],
        showgrid=False,
    )
    ends = [(one.value, one.low, one.high) for own in rows.values() for one in own]
    chart.update_xaxes(
        title="Change of AUROC",
        tickformat=style.SIGNED,
        range=style.span((0.0, -tolerated), *ends, empty=(-0.1, 0.02), least=0.04),
    )
    if not any(math.isfinite(value) for value, _, _ in ends):
        style.say_empty(chart, f"No value: {NOT_ENOUGH}")
    return chart
