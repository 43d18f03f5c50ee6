"""One film's probabilities against each model's own thresholds, beside how good each model is at the label."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.labels import display_name

_ROW = 36
_LINE = 16
_NAME = 32  # characters that a narrow page has room for
_GLYPHS = {"circle": "●", "square": "■", "diamond": "◆"}


def probabilities(
    labels: Sequence[str],
    probs: Mapping[str, np.ndarray],
    thresholds: Mapping[str, np.ndarray],
    *,
    skill: Mapping[str, Sequence[str]],
    present: Sequence[str] = (),
    film: str = "",
) -> go.Figure:
    """Dumbbells: a marker per member and label, joined by a line; a tick at that member's threshold.

    A marker is filled where the probability reaches the threshold. Labels are sorted by the first member's
    probability, highest on top; labels known to be present are bold. The axis starts at 0 and ends behind the largest
    value, because the probabilities of rare findings crowd near 0.

    Args:
        labels: K label names.
        probs: member -> (K,) in [0, 1].
        thresholds: member -> (K,) in [0, 1], NaN for none.
        skill: member -> K texts, such as an AUROC with its interval; they stand under the label.
        present: labels known to be present (samples only).
        film: name of the film, for whoever meets the saved picture.
    """
    members = style.ordered(probs)
    order = np.argsort(probs[members[0]], kind="stable")
    names = [display_name(labels[k]) for k in order]
    chart = style.figure((_ROW + _LINE * len(members)) * len(labels) + 130)
    _join(chart, names, np.stack([probs[m][order] for m in members]))
    for member in members:
        _ticks(chart, names, thresholds[member][order], member)
        _markers(chart, names, probs[member][order], thresholds[member][order], member)
    top = max(0.3, *(float(np.nan_to_num(values).max()) for table in (probs, thresholds) for values in table.values()))
    shown = film if len(film) <= _NAME else f"{film[: _NAME // 2]}…{film[-_NAME // 2 :]}"
    title = "Probability (tick: threshold)" + (f"<br>{html.escape(shown)}" if film else "")
    chart.update_xaxes(range=[-0.02 * top, 1.05 * top], tickformat=".0%", title={"text": title, "standoff": 14})
    texts = [_axis_text(labels[k], labels[k] in present, {m: skill[m][k] for m in members}) for k in order]
    ticks = {"tickmode": "array", "tickvals": names, "ticktext": texts}
    chart.update_yaxes(categoryorder="array", categoryarray=names, showgrid=False, **ticks)
    return chart


def _axis_text(label: str, present: bool, skill: Mapping[str, str]) -> str:
    """The label, bold where it is present, over a small line for each member."""
    shown = html.escape(display_name(label))
    lines = [f"<b>{shown}</b>" if present else shown]
    for member, text in skill.items():
        glyph = f'<span style="color:{style.COLOURS[member]};font-size:14px">{_GLYPHS[style.SYMBOLS[member]]}</span>'
        lines.append(f'<span style="font-size:11px">{glyph} {text}</span>')
    return "<br>".join(lines)


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
