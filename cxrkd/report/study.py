"""The report of a study: what can be said, every cell, every network, and what it hangs on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from cxrkd.errors import CxrkdError
from cxrkd.report import study_charts
from cxrkd.report.audit import table_of
from cxrkd.report.provenance import NOT_CLINICAL, about_data, about_run, stamp, versions
from cxrkd.report.sheet import Sheet, Table
from cxrkd.runs.choosing import PHANTOM_RESULT
from cxrkd.runs.run import open_run
from cxrkd.studies import tables
from cxrkd.studies.wording import RULE, n_seeds_remark, runs_gone, verdicts

if TYPE_CHECKING:
    import pandas as pd

    from cxrkd.studies.study import Study

VERSION = 1


def study_report(study: Study, *, with_problems: bool = True, now: datetime | None = None) -> Sheet:
    """The report of what is measured so far.

    Args:
        study: which.
        with_problems: also say why cells have no figures: such a sentence may quote what was read.
        now: when it is made, if not now.

    Raises:
        RunError: nothing is measured, or what is kept is damaged.
    """
    figures, config = study.figures(), study.config
    remarks = [PHANTOM_RESULT if figures.phantoms else "", n_seeds_remark(figures), runs_gone(figures)]
    problems = tables.problems(figures) if with_problems else []
    document = {
        "report": "study",
        "version": VERSION,
        "notice": NOT_CLINICAL,
        "made": stamp(now),
        "study": {"id": study.id, "name": config.name, "status": study.state.status, "seeds": list(config.seeds)},
        "data": about_data(study.cells[0].config.data),
        "remarks": [*filter(None, remarks), *problems],
        "verdicts": verdicts(figures),
        "rule": RULE,
        "figures": (figures if with_problems else figures.without_problems()).to_dict(),
        "runs": {name: _run(name) for name in figures.runs},
        "versions": versions(),
    }
    maps = tables.columns_worth_showing(tables.maps_table(figures))
    content = {
        "title": f"Study: {config.name}",
        "gains": study_charts.gains(figures.gains) if figures.gains else None,
        "front": study_charts.front(figures),
        "cells": table_of(tables.gains_table(figures)),
        "networks": _table(tables.networks_table(figures)),
        "maps": table_of(maps) if len(maps.columns) > len(tables.AXES) else None,
    }
    return Sheet(document, "study.html", content)


def _run(name: str) -> dict[str, Any] | None:
    """A run that figures come from, with the hashes of its weights; None where it is gone."""
    try:
        return about_run(open_run(name))
    except (CxrkdError, OSError):
        return None


def _table(frame: pd.DataFrame) -> Table | None:
    return table_of(frame) if len(frame) else None
