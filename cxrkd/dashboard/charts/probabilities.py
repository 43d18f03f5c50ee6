"""One film's probabilities against each model's own thresholds, beside how good each model is at the label."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.labels import display_name

_ROW = 36
_LINE = 16
_NAME = 32  # characters that a narrow page has room for
Trace = dict[str, Any]
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
    top = max(0.3, *(float(np.nan_to_num(values).max()) for table in (probs, thresholds) for values in table.values()))
    shown = film if len(film) <= _NAME else f"{film[: _NAME // 2]}…{film[-_NAME // 2 :]}"
    title = "Probability (tick: threshold)" + (f"<br>{html.escape(shown)}" if film else "")
    texts = [_axis_text(labels[k], labels[k] in present, {m: skill[m][k] for m in members}) for k in order]
    ticks = {"tickmode": "array", "tickvals": names, "ticktext": texts}
    traces = [_join(names, np.stack([probs[m][order] for m in members]))]
    for member in members:
        traces.append(_ticks(names, thresholds[member][order], member))
        traces += _markers(names, probs[member][order], thresholds[member][order], member)
    return style.figure(
        (_ROW + _LINE * len(members)) * len(labels) + 130,
        traces=traces,
        x={"range": [-0.02 * top, 1.05 * top], "tickformat": ".0%", "title": {"text": title, "standoff": 14}},
        y={"categoryorder": "array", "categoryarray": names, "showgrid": False, **ticks},
    )


def _axis_text(label: str, present: bool, skill: Mapping[str, str]) -> str:
    """The label, bold where it is present, over a small line for each member."""
    shown = html.escape(display_name(label))
    lines = [f"<b>{shown}</b>" if present else shown]
    for member, text in skill.items():
        glyph = f'<span style="color:{style.COLOURS[member]};font-size:14px">{_GLYPHS[style.SYMBOLS[member]]}</span>'
        lines.append(f'<span style="font-size:11px">{glyph} {text}</span>')
    return "<br>".join(lines)


def _join(names: Sequence[str], values: np.ndarray) -> Trace:
    low, high = values.min(axis=0), values.max(axis=0)
    x = np.stack([low, high, np.full_like(low, np.nan)], axis=1).ravel()
    y = [name for name in names for _ in range(3)]
    line = {"color": style.FAINT, "width": 3}
    return {"type": "scatter", "x": x, "y": y, "mode": "lines", "line": line, "showlegend": False, "hoverinfo": "skip"}


def _ticks(names: Sequence[str], thresholds: np.ndarray, member: str) -> Trace:
    marker = {"symbol": "line-ns", "size": 16, "line": {"color": style.COLOURS[member], "width": 2}}
    return {
        "type": "scatter",
        "x": thresholds,
        "y": list(names),
        "mode": "markers",
        "marker": marker,
        "name": f"{style.name(member)} threshold",
        "legendgroup": member,
        "showlegend": False,
        "hovertemplate": "%{y}: threshold %{x:.1%}",
    }


def _markers(names: Sequence[str], probs: np.ndarray, thresholds: np.ndarray, member: str) -> list[Trace]:
    colour = style.COLOURS[member]
    fills = [colour if p >= t else style.CLEAR for p, t in zip(probs, thresholds, strict=True)]
    marker = {"symbol": style.SYMBOLS[member], "size": 11}
    own = {"type": "scatter", "mode": "markers", "name": style.name(member), "legendgroup": member}
    # The legend shows the first point's fill, which says "negative" for most films; a separate entry is always filled.
    entry = own | {"x": [None], "y": [None], "marker": marker | {"color": colour}, "hoverinfo": "skip"}
    points = {
        "x": probs,
        "y": list(names),
        "marker": marker | {"color": fills, "line": {"color": colour, "width": 2}},
        "showlegend": False,
        "cliponaxis": False,  # markers at 0 % stay whole on a narrow page
        "hovertemplate": "%{y}: %{x:.1%}",
    }
    return [entry, own | points]
