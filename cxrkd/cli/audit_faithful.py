"""What `audit` prints of how true the maps are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.cli.output import table
from cxrkd.text import number

if TYPE_CHECKING:
    from cxrkd.evaluate.means import Mean
    from cxrkd.runs.auditing.figures import AuditFigures

TITLES = {"deletion": "deletion (low is good)", "insertion": "insertion", "gain": "insertion - deletion"}


def faithful_tables(figures: AuditFigures) -> list[str]:
    """Deletion and insertion of all findings together, and what is left without the weights."""
    if not figures.faithful:
        from cxrkd.runs.auditing.wording import NOT_PROVED

        return [NOT_PROVED]
    return [*_removal(figures), "", *_cascade(figures)]


def _removal(figures: AuditFigures) -> list[str]:
    shown = [row for row in figures.faithful if not row.label]
    names = [rival.name.replace("_", " ") for rival in shown[0].rivals]
    rows = []
    for row in shown:
        rivals = [f"{number(rival.value.value, 2, sign=True)}, {_mean(rival.above, sign=True)}" for rival in row.rivals]
        holds = ("yes" if row.holds else "no") if row.enough else "not enough cases"
        rows.append([row.member, TITLES[row.figure], _mean(row.own, sign=True), *rivals, holds])
    head = [f"{shown[0].own.n} present findings, logit", "figure", "map", *(f"{name}, better by" for name in names)]
    return table([*head, "better than all"], rows)


def _cascade(figures: AuditFigures) -> list[str]:
    from cxrkd.explain.cascade import DEPTHS, at_depths

    rows = []
    for row in figures.cascade:
        left = {depth: _mean(mean, sign=True) for depth, mean in at_depths(row.shares, row.left).items()}
        rows.append([row.member, *(left.get(depth, "") for depth in DEPTHS), _mean(row.others, sign=True)])
    depths = [f"{depth} anew" for depth in DEPTHS]
    return table([f"left of the map, {figures.cascade[0].n_films} films", *depths, "different films"], rows)


def _mean(mean: Mean, *, sign: bool = False) -> str:
    from cxrkd.runs.auditing.wording import of

    return of(mean, sign=sign, digits=2)
