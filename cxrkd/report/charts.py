"""Charts that stay as they are: SVG whose letters are shapes, so that it looks alike wherever it is opened."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from cxrkd.config import MEMBER_NAMES
from cxrkd.evaluate.means import Mean
from cxrkd.images.encoded import as_uri
from cxrkd.report.colours import COLOURS, NEUTRAL
from cxrkd.runs.auditing.cells import NEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

matplotlib.rcParams["svg.hashsalt"] = "cxrkd"  # names of shapes would differ from call to call
_MARKERS = {"alone": "s", "distilled": "D"}
_UNDATED = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_APART = 0.24


def above(titles: Sequence[str], rows: Mapping[str, Sequence[Mean]]) -> str:
    """How far each student is above each chance line, with intervals; right of zero is above.

    Args:
        titles: of the lines.
        rows: student -> a difference a line.
    """
    figure, axes = blank_axes(0.5 + 0.42 * len(titles))
    axes.axvline(0, color=NEUTRAL, linewidth=1)
    for place, (student, means) in enumerate(rows.items()):
        y = np.arange(len(titles)) + _APART * (place - (len(rows) - 1) / 2)
        value, low, high = (np.array([getattr(mean, end) for mean in means]) for end in ("value", "low", "high"))
        axes.errorbar(
            value,
            y,
            xerr=np.abs(np.stack([value - low, high - value])),
            fmt=_MARKERS.get(student, "o"),
            markersize=5,
            color=COLOURS[student],
            label=MEMBER_NAMES[student],
        )
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.set_xlabel("Rank correlation with the teacher, above the line")
    axes.legend(fontsize=9, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return svg_uri(figure)


def cells(student: str, gap: np.ndarray, agreement: np.ndarray) -> str:
    """A point a cell: the student's probability minus the teacher's (M,), and how alike their maps are (M,)."""
    figure, axes = blank_axes(2.9)
    axes.axvspan(-NEAR, NEAR, color=NEUTRAL, alpha=0.12, linewidth=0)
    axes.axhline(0, color=NEUTRAL, linewidth=1)
    axes.scatter(gap, agreement, s=9, color=COLOURS[student], alpha=0.55, linewidths=0, rasterized=True)
    axes.set_ylim(-1.03, 1.03)
    axes.set_xlabel("Probability, student minus teacher")
    axes.set_ylabel("Agreement of maps")
    return svg_uri(figure)


def blank_axes(height: float) -> tuple[Figure, Axes]:
    """An empty chart of a height in inches; text as large as the page's."""
    figure = Figure(figsize=(6.6, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    axes.xaxis.label.set_fontsize(9)
    axes.yaxis.label.set_fontsize(9)
    axes.grid(axis="x", color=NEUTRAL, alpha=0.2, linewidth=0.6)
    return figure, axes


def svg_uri(figure: Figure) -> str:
    """A chart as the source of a picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata=_UNDATED, dpi=150)
    return as_uri(buffer.getvalue(), "image/svg+xml")
