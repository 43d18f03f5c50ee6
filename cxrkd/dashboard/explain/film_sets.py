"""Films of data sets that a run can be explained on: its own, those that ship, and those of its audits."""

from __future__ import annotations

import streamlit as st

from cxrkd.config import DataConfig
from cxrkd.dashboard import layout, sources
from cxrkd.dashboard.access import films_of, images_here
from cxrkd.dashboard.caching import cohorts, run_figures
from cxrkd.dashboard.explain import view as views
from cxrkd.dashboard.explain.link import View
from cxrkd.data.cohort import Cohort
from cxrkd.data.readers.samples import SamplesConfig
from cxrkd.images.film import Film
from cxrkd.runs import Run
from cxrkd.runs.auditing.job import AuditJob
from cxrkd.runs.beside import finished
from cxrkd.runs.reference import data_at
from cxrkd.runs.sample_films import about_shipped, shipped_for
from cxrkd.text import shown

FINDING, SET = "explain_finding", "explain_set"
UNLISTED = "explain_unlisted"
"""Where the session keeps the film of a link that no finding lists: one of another split, or of unknown truth."""
OWN, SHIPPED = "Test films of the run", "Films that ship"


def film_sets(run: Run) -> dict[str, DataConfig]:
    """Title -> data set whose films pages may show this run on; the one that it is looked at on by default first."""
    own, sets = films_of(run), {}
    if own is not None:
        sets[SHIPPED if isinstance(own, SamplesConfig) else OWN] = own
    for job in finished(AuditJob, run):
        data = job.config.data or data_at(run.config.data, job.config.folder)
        data = data.model_copy(update={"image_size": run.config.data.image_size})
        if data not in sets.values() and images_here(data):
            sets[f"Audit {job.id}: {job.films_title}"] = data
    shipped = shipped_for(run)
    if shipped is not None and shipped not in sets.values():
        sets[SHIPPED] = shipped
    return sets


def choose_film(run: Run, view: View) -> Film | None:
    """One film of a data set; None where none has the finding, or there are none on this machine.

    Args:
        run: the chosen one.
        view: what is asked for; an empty film asks for none.
    """
    sets = film_sets(run)
    if not sets:
        layout.images_elsewhere(run, sources.UPLOAD_INSTEAD)
        return None
    if view.film:
        _open(sets, view)
    *first, left, right = st.columns([1, 1, 2] if len(sets) > 1 else [1, 2])
    title = str(first[0].selectbox("Films", list(sets), key=SET)) if first else next(iter(sets))
    table = cohorts.table(sets[title])
    if isinstance(sets[title], SamplesConfig):
        layout.notice(about_shipped(table, run_figures.predictions(run, run.members()[0]).patients))
    finding = left.selectbox(
        "Sample with", sources.sample_findings(table), format_func=sources.finding_title, key=FINDING
    )
    rows = _listed(title, table, finding)
    row = right.selectbox(
        "Test image", rows, format_func=lambda row: sources.sample_title(table, row), key=_key(title, finding)
    )
    if row is None:
        return None
    if table.split[row] != "test" and not table.split_drawn:
        layout.notice(f"This is no test film: it is one of those for {_PURPOSE[str(table.split[row])]}.")
    return cohorts.film(sets[title], row, run.config.data.image_size)


_PURPOSE = {"train": "training, which the run has learned from", "val": "validation, which its thresholds come from"}


def _listed(title: str, table: Cohort, finding: str) -> list[int]:
    """Rows with a finding, after the one that a link asked for and that no finding lists."""
    unlisted = st.session_state.get(UNLISTED)
    first = [unlisted[1]] if finding == sources.ANY and unlisted and unlisted[0] == title else []
    return [*first, *sources.sample_rows(table, finding)]


def _key(title: str, finding: str) -> str:
    return f"explain_{title}_{finding}"


def _open(sets: dict[str, DataConfig], view: View) -> None:
    """Set the widgets to the film that is asked for, or say that there is none such."""
    for title, config in sets.items():
        table = cohorts.table(config)
        if view.film in table.ids:
            _choose(title, table, table.row_of(view.film))
            return
    if view.linked:
        views.refuse(f"film {shown(view.film)}, which is none of this run's films on this machine", "another film")


def _choose(title: str, table: Cohort, row: int) -> None:
    state = st.session_state
    offered = [one for one in sources.sample_findings(table) if row in sources.sample_rows(table, one)]
    # What the visitor looked through stays, where the film is in it.
    before = str(state.get(FINDING))
    finding = before if before in offered else next(iter(offered), sources.ANY)
    state[UNLISTED] = None if offered else (title, row)
    state[SET], state[FINDING], state[_key(title, finding)] = title, finding, row
