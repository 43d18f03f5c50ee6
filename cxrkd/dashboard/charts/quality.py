"""How good the members are: ROC, precision-recall, forests of intervals, reliability, seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.labels import display_name
from cxrkd.text import NOT_ENOUGH, number


@dataclass(frozen=True)
class Curve:
    """One line of a ROC or precision-recall chart: x and y (P,), and the figure the legend prints."""

    x: Sequence[float]
    y: Sequence[float]
    summary: str = ""


@dataclass(frozen=True)
class Interval:
    """A point with its interval; NaN where there are too few cases to say."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ReaderMark:
    """One radiologist in a ROC diagram: where, what is read of the marker, and whether the reference is independent."""

    fpr: float
    tpr: float
    text: str
    independent: bool


def roc(curves: Mapping[str, Curve], readers: Sequence[ReaderMark] = ()) -> go.Figure:
    """True positive rate against false positive rate, one line a member, with the chance diagonal.

    Args:
        curves: by member.
        readers: radiologists of the same films; hollow where the reference was made from them.
    """
    chart = style.figure(430)
    style.diagonal(chart, "Chance")
    _lines(chart, curves, "FPR %{x:.2f}, TPR %{y:.2f}")
    _reader_marks(chart, [mark for mark in readers if mark.independent], "Radiologist ({})", style.READER)
    _reader_marks(
        chart,
        [mark for mark in readers if not mark.independent],
        "Radiologist, part of the reference ({})",
        style.CLEAR,
    )
    style.unit_square(chart, "False positive rate (1 − specificity)", "True positive rate (sensitivity)")
    return chart


def _reader_marks(chart: go.Figure, marks: Sequence[ReaderMark], name: str, fill: str) -> None:
    if marks:
        chart.add_trace(
            go.Scatter(
                x=[mark.fpr for mark in marks],
                y=[mark.tpr for mark in marks],
                mode="markers",
                marker={
                    "symbol": "triangle-up",
                    "size": 12,
                    "color": fill,
                    "line": {"color": style.READER, "width": 2},
                },
                name=name.format(len(marks)),
                text=[escape(mark.text) for mark in marks],
                hovertemplate="%{text}<extra></extra>",
            )
        )


def precision_recall(curves: Mapping[str, Curve], prevalence: float) -> go.Figure:
    """Precision against recall, one line a member; chance is the prevalence of the label."""
    chart = style.figure(430)
    chart.add_trace(
        go.Scatter(
            x=[0, 1],
            y=[prevalence, prevalence],
            mode="lines",
            line={"color": style.NEUTRAL, "dash": "dash", "width": 1},
            name=f"Chance {number(prevalence, 2)}",
            hoverinfo="skip",
        )
    )
    _lines(chart, curves, "recall %{x:.2f}, precision %{y:.2f}")
    style.unit_square(chart, "Recall (sensitivity)", "Precision")
    return chart


def _lines(chart: go.Figure, curves: Mapping[str, Curve], hover: str) -> None:
    for member in style.ordered(curves):
        curve = curves[member]
        chart.add_trace(
            go.Scatter(
                x=curve.x,
                y=curve.y,
                mode="lines",
                line={"color": style.COLOURS[member], "dash": style.DASHES[member], "width": 2.5},
                name=f"{style.name(member)} {curve.summary}".strip(),
                hovertemplate=hover,
            )
        )


def forest(labels: Sequence[str], rows: Mapping[str, Sequence[Interval]], x_title: str = "AUROC") -> go.Figure:
    """One line a label and a dodged marker with its interval per member; chance at 0.5."""
    members = style.ordered(rows)
    chart = style.figure(forest_height(len(labels), len(members)))
    chart.add_vline(x=0.5, line={"color": style.NEUTRAL, "dash": "dash", "width": 1})
    for place, member in enumerate(members):
        offset = ((len(members) - 1) / 2 - place) * 0.24
        whiskers(chart, rows[member], offset, member)
    _label_axis(chart, labels)
    _auroc_axis(chart, rows)
    chart.update_xaxes(title=x_title)
    return chart


def macro_forest(rows: Mapping[str, Sequence[Interval]], x_title: str) -> go.Figure:
    """Mean AUROC with its interval, one line a member, named on the axis."""
    chart = style.figure(52 * len(rows) + 60, legend=False)
    members = style.ordered(rows)
    for place, member in enumerate(members):
        whiskers(chart, rows[member], -float(place), member)
    chart.update_yaxes(
        tickvals=list(range(len(members))),
        ticktext=[style.name(member) for member in members],
        range=[len(members) - 0.5, -0.5],
        showgrid=False,
    )
    _auroc_axis(chart, rows)
    chart.update_xaxes(title=x_title, nticks=6)
    return chart


def _auroc_axis(chart: go.Figure, rows: Mapping[str, Sequence[Interval]]) -> None:
    ends = [(row.value, row.low, row.high) for own in rows.values() for row in own]
    chart.update_xaxes(range=style.auroc_span(*ends))
    _say_if_empty(chart, ends)


def _say_if_empty(chart: go.Figure, ends: Sequence[tuple[float, float, float]]) -> None:
    if not any(math.isfinite(end[0]) for end in ends):
        style.say_empty(chart, f"No value: {NOT_ENOUGH}")


def forest_height(n_labels: int, n_members: int) -> int:
    """Pixels of a forest, so that a chart beside it can have its rows at the same heights."""
    return (13 * n_members + 10) * n_labels + 100


def differences(
    labels: Sequence[str], rows: Sequence[Interval], better: str, worse: str, *, beside: int = 1
) -> go.Figure:
    """Paired difference per label with its interval; filled where the interval leaves zero out.

    Args:
        labels: K names.
        rows: K intervals.
        better: what is subtracted from.
        worse: what is subtracted.
        beside: members of the forest that stands next to it, whose rows it lines up with.
    """
    chart = style.figure(forest_height(len(labels), beside))
    chart.update_layout(showlegend=False)
    chart.add_vline(x=0, line={"color": style.NEUTRAL, "dash": "dash", "width": 1})
    whiskers(chart, rows, 0.0, "distilled", hollow_across_zero=True)
    _label_axis(chart, labels)
    ends = [(row.value, row.low, row.high) for row in rows]
    chart.update_xaxes(
        title=f"AUROC {better} − {worse}",
        tickformat=style.SIGNED,
        range=style.span((0.0,), *ends, empty=(-0.1, 0.1), least=0.04),
    )
    _say_if_empty(chart, ends)
    return chart


def _label_axis(chart: go.Figure, labels: Sequence[str]) -> None:
    positions = list(range(len(labels)))
    chart.update_yaxes(
        tickvals=positions,
        ticktext=[display_name(label) for label in labels],
        range=[len(labels) - 0.5, -0.5],
        showgrid=False,
    )


def whiskers(
    chart: go.Figure, rows: Sequence[Interval], offset: float, member: str, *, hollow_across_zero: bool = False
) -> None:
    """Draw markers with their intervals, one a row, numbered downwards from 0 and moved up by `offset`."""
    colour = style.COLOURS[member]
    value = np.array([row.value for row in rows])
    low, high = np.array([row.low for row in rows]), np.array([row.high for row in rows])
    hollow = (low <= 0) & (high >= 0) if hollow_across_zero else np.zeros(len(rows), dtype=bool)
    marker = {
        "symbol": style.SYMBOLS[member],
        "size": 8,
        "color": [style.CLEAR if empty else colour for empty in hollow],
        "line": {"color": colour, "width": 1.5},
    }
    chart.add_trace(
        go.Scatter(
            x=value,
            # Minus: the label axis runs downwards, and the first member should be the upper one.
            y=np.arange(len(rows)) - offset,
            error_x={
                "type": "data",
                "symmetric": False,
                "array": high - value,
                "arrayminus": value - low,
                "color": colour,
                "thickness": 1.5,
                "width": 3,
            },
            mode="markers",
            marker=marker,
            name=style.name(member),
            customdata=np.stack([low, high], axis=1),
            hovertemplate="%{x:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f})",
        )
    )


def reliability(curves: Mapping[str, Curve]) -> go.Figure:
    """Observed frequency against mean predicted probability; on the diagonal a model says what it means."""
    chart = style.figure(400)
    style.diagonal(chart, "Perfectly calibrated")
    for member in style.ordered(curves):
        chart.add_trace(
            go.Scatter(
                x=curves[member].x,
                y=curves[member].y,
                mode="lines+markers",
                line={"color": style.COLOURS[member], "dash": style.DASHES[member], "width": 2},
                marker={"symbol": style.SYMBOLS[member], "size": 8},
                name=f"{style.name(member)} {curves[member].summary}".strip(),
                hovertemplate="predicted %{x:.2f}, observed %{y:.2f}",
            )
        )
    style.unit_square(chart, "Mean predicted probability", "Observed frequency")
    return chart


def seeds(values: Mapping[str, Sequence[float]], x_title: str) -> go.Figure:
    """Mean AUROC of each seed as a point; the line marks the members' means."""
    chart = style.figure(56 * len(values) + 70, legend=False)
    for member in style.ordered(values):
        points = list(values[member])
        label = [style.name(member)] * len(points)
        marker = {"symbol": style.SYMBOLS[member], "size": 11, "color": style.translucent(member, 0.75)}
        chart.add_trace(go.Scatter(x=points, y=label, mode="markers", marker=marker, hovertemplate="%{x:.4f}"))
        mean = {"symbol": "line-ns", "size": 24, "line": {"color": style.COLOURS[member], "width": 2}}
        chart.add_trace(
            go.Scatter(
                x=[float(np.mean(points))], y=label[:1], mode="markers", marker=mean, hovertemplate="mean %{x:.4f}"
            )
        )
    every = [value for points in values.values() for value in points]
    chart.update_xaxes(title=x_title, range=style.auroc_span(every))
    _say_if_empty(chart, [(value, value, value) for value in every])
    chart.update_yaxes(showgrid=False, autorange="reversed")
    return chart
