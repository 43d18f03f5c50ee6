"""What is in a cohort: prevalence, co-occurrence, split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cxrkd.dashboard.charts import style
from cxrkd.labels import display_name

_SPLIT_SHADES = {"train": "#2F86C9", "val": "#8FB9DC", "test": "#7A8794"}


def prevalence(labels: Sequence[str], counts: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> go.Figure:
    """Share of images with each label, one bar a split, most frequent label on top.

    Args:
        labels: K label names.
        counts: split -> positives (K,).
        sizes: split -> number of images.
    """
    total = np.sum(list(counts.values()), axis=0)
    order = np.argsort(-total, kind="stable")
    chart = style.figure(34 * len(labels) + 90)
    for split, positives in counts.items():
        chart.add_trace(
            go.Bar(
                y=[display_name(labels[k]) for k in order],
                x=[positives[k] / max(1, sizes[split]) for k in order],
                customdata=[int(positives[k]) for k in order],
                orientation="h",
                marker={"color": _SPLIT_SHADES[split]},
                name=f"{split} ({sizes[split]} images)",
                hovertemplate="%{y}: %{x:.1%}, %{customdata} images",
            )
        )
    chart.update_layout(barmode="group", bargap=0.3)
    shares = [positives / max(1, sizes[split]) for split, positives in counts.items()]
    top = style.span(0.0, *shares, empty=(0.0, 1.0), least=0.01, within=(0.0, 1.0))[1]
    chart.update_xaxes(tickformat=style.PERCENT, range=[0, top], title="Share of images with the finding")
    chart.update_yaxes(autorange="reversed", showgrid=False)
    return chart


def cooccurrence(labels: Sequence[str], targets: np.ndarray) -> go.Figure:
    """Heat map of P(column label | row label); the diagonal is left empty because it is always 1.

    Args:
        labels: K label names.
        targets: (N, K) of 1, 0 or NaN; NaN counts as not positive.
    """
    positive = np.nan_to_num(targets).astype(float)
    joint = positive.T @ positive
    with np.errstate(divide="ignore", invalid="ignore"):
        share = joint / np.diag(joint)[:, None]
    np.fill_diagonal(share, np.nan)
    names = [display_name(label) for label in labels]
    chart = style.figure(34 * len(labels) + 130, legend=False)
    chart.add_trace(
        go.Heatmap(
            z=share,
            x=names,
            y=names,
            customdata=joint,
            colorscale="Cividis",
            zmin=0,
            xgap=1,
            ygap=1,
            colorbar={"tickformat": style.PERCENT, "thickness": 12, "title": {"text": ""}},
            hovertemplate="of %{y}, %{z:.0%} also %{x} (%{customdata:.0f} images)<extra></extra>",
            hoverongaps=False,
        )
    )
    chart.update_xaxes(tickangle=-45, showgrid=False)
    chart.update_yaxes(autorange="reversed", showgrid=False)
    return chart
