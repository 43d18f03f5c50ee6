"""Charts of a study: what distillation gained in each cell, and how good each network is for what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from cxrkd.config import MEMBER_NAMES
from cxrkd.report.charts import blank_axes, svg_uri
from cxrkd.report.colours import COLOURS, NEUTRAL
from cxrkd.studies.figures import CellFigures, StudyFigures, titles_apart

_MARKERS = {"teacher": "o", "alone": "s", "distilled": "D"}


def gains(cells: list[CellFigures]) -> str:
    """A marker with its interval for each cell that has a gain; hollow where it is not shown."""
    figure, axes = blank_axes(0.7 + 0.3 * len(cells))
    axes.axvline(0, color=NEUTRAL, linewidth=1)
    for y, cell in enumerate(cells):
        gain, colour = cell.gain, COLOURS["distilled"]
        reach = [[gain.value - gain.low], [gain.high - gain.value]]
        fill = colour if cell.claimed else "white"
        axes.errorbar([gain.value], [y], xerr=np.nan_to_num(reach), fmt="D", markersize=5, color=colour, mfc=fill)
    axes.set_yticks(range(len(cells)), titles_apart(cells))
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_xlabel("AUROC, distilled minus alone")
    return svg_uri(figure)


def front(figures: StudyFigures) -> str:
    """AUROC against multiply-adds of every network; up and to the left is better, a line joins those on the front."""
    figure, axes = blank_axes(3.4)
    named: set[str] = set()
    for member, one in figures.networks:
        label = MEMBER_NAMES[member] if member not in named else None
        named.add(member)
        reach = np.nan_to_num([[one.auroc.value - one.auroc.low], [one.auroc.high - one.auroc.value]])
        how: dict[str, Any] = {"fmt": _MARKERS[member], "markersize": 6, "color": COLOURS[member], "elinewidth": 1}
        axes.errorbar([one.cost.macs / 1e6], [one.auroc.value], yerr=reach, label=label, **how)
    on = sorted((one.cost.macs / 1e6, one.auroc.value) for _, one in figures.networks if one.front)
    axes.plot([x for x, _ in on], [y for _, y in on], color=NEUTRAL, linewidth=1, linestyle="--", zorder=0)
    axes.set_xscale("log")
    axes.set_xlabel("Multiply-adds of a film, millions")
    axes.set_ylabel("Mean AUROC")
    axes.legend(fontsize=9, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)
    return svg_uri(figure)
