"""The figures of a study as tables: for people, and as CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from cxrkd.config import MEMBER_NAMES
from cxrkd.studies.figures import CellFigures, Cost, OtherFigures, Span, StudyFigures
from cxrkd.text import MISSING, interval, number, percent_interval

AXES = ("Teacher", "Student", "Objective")
ON_FRONT = "yes"


def gains_table(figures: StudyFigures) -> pd.DataFrame:
    """A row a cell: how good, what distillation gained, and what was kept of the teacher."""
    rows = [
        {
            **_axes(cell),
            "AUROC": _span(cell.auroc),
            "Gain over alone": _span(cell.gain, sign=True),
            "p": p_text(cell.p),
            "p, Holm": p_text(cell.p_holm),
            "Shown": cell.verdict or MISSING,
            "AUROC kept": _share(cell.kept),
            "Skill kept": _share(cell.skill),
            "Front": ON_FRONT if cell.front else "",
        }
        for cell in figures.cells
    ]
    return pd.DataFrame(rows)


def maps_table(figures: StudyFigures) -> pd.DataFrame:
    """A row a cell: where its maps look."""
    rows = [
        {
            **_axes(cell),
            "Agreement of maps": _span(cell.agreement),
            "above the closest chance line": _span(cell.agreement_above, sign=True),
            "Points into the lesion": _span(cell.pointing),
            "above the closest map without the film": _span(cell.pointing_above, sign=True),
        }
        for cell in figures.cells
    ]
    return pd.DataFrame(rows)


def networks_table(figures: StudyFigures) -> pd.DataFrame:
    """A row a network that cells are held against, and one for each student: how good, and what it costs."""
    best: dict[str, CellFigures] = {}
    for cell in figures.cells:
        if not math.isnan(cell.auroc.value) and cell.auroc.value > _value(best.get(cell.student)):
            best[cell.student] = cell
    rows = [_network(MEMBER_NAMES[one.member], one.name, one) for one in figures.others]
    rows += [_network("Best distilled", f"{cell.student}, {cell.objective}", cell) for cell in best.values()]
    return pd.DataFrame(rows)


def problems(figures: StudyFigures) -> list[str]:
    """A sentence for each cell that lacks figures."""
    return [f"{cell.title}: {cell.problem.rstrip('.')}." for cell in figures.cells if cell.problem]


def csv(figures: StudyFigures) -> str:
    """A row a cell, then one a network that they are held against; numbers as they are, empty where not known."""
    rows = [_csv_cell(cell) for cell in figures.cells] + [_csv_other(one) for one in figures.others]
    whole = dict.fromkeys(_COUNTS, "Int64")
    return pd.DataFrame(rows).astype(whole).to_csv(index=False, lineterminator="\n")


def p_text(p: float) -> str:
    """A p value for people.

    >>> p_text(0.0312), p_text(0.00002), p_text(float("nan"))
    ('0.031', '< 0.001', '–')
    """
    return "< 0.001" if p < 0.001 else number(p)


def _axes(cell: CellFigures) -> dict[str, str]:
    return dict(zip(AXES, (cell.teacher, cell.student, cell.objective), strict=True))


def _span(span: Span, *, sign: bool = False) -> str:
    return MISSING if math.isnan(span.value) else interval(span.value, span.low, span.high, sign=sign)


def _share(span: Span) -> str:
    return MISSING if math.isnan(span.value) else percent_interval(span.value, span.low, span.high)


def _value(cell: CellFigures | None) -> float:
    return -math.inf if cell is None else cell.auroc.value


def _network(role: str, name: str, one: CellFigures | OtherFigures) -> dict[str, str]:
    return {"Network": role, "Name": name, "AUROC": _span(one.auroc), **cost_texts(one.cost)} | {
        "Front": ON_FRONT if one.front else ""
    }


def cost_texts(cost: Cost) -> dict[str, str]:
    """What a network costs, for people."""
    return {
        "Parameters, M": number(cost.params / 1e6, 2),
        "MACs, M": number(cost.macs / 1e6, 1),
        "MB": number(cost.size_mb, 2),
        "ms a film": number(cost.latency_ms, 1),
    }


_COUNTS = ("n_seeds", "n_labels", "n_patients")
_SPANS = ("auroc", "gain", "kept", "skill", "agreement", "agreement_above", "pointing", "pointing_above")


def _csv_cell(cell: CellFigures) -> dict[str, object]:
    return {
        "member": "distilled",
        "teacher": cell.teacher,
        "student": cell.student,
        "objective": cell.objective,
        **{name: getattr(cell, name) for name in ("run", "control", *_COUNTS)},
        **_ends({name: getattr(cell, name) for name in _SPANS}),
        "p": cell.p,
        "p_holm": cell.p_holm,
        "shown": cell.verdict,
        **vars(cell.cost),
        "front": cell.front,
        "problem": cell.problem,
    }


def _csv_other(one: OtherFigures) -> dict[str, object]:
    name = {"teacher": one.name} if one.member == "teacher" else {"student": one.name}
    return {"member": one.member, **name, "run": one.run, **_ends({"auroc": one.auroc})} | {
        **vars(one.cost),
        "front": one.front,
    }


def _ends(spans: dict[str, Span]) -> dict[str, float]:
    return {
        f"{name}{end}": value
        for name, span in spans.items()
        for end, value in (("", span.value), ("_low", span.low), ("_high", span.high))
    }


def columns_worth_showing(table: pd.DataFrame, keep: Sequence[str] = AXES) -> pd.DataFrame:
    """A table without columns in which nothing is known."""
    return table[[name for name in table if name in keep or not table[name].isin([MISSING, ""]).all()]]
