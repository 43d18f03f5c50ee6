"""What an audit shows: its cells, and pictures of those worth a look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cxrkd.access.confine import confined
from cxrkd.config import Member
from cxrkd.dashboard.access import images_here
from cxrkd.dashboard.caching import cohorts
from cxrkd.dashboard.caching.rules import stamp
from cxrkd.runs.beside import FIGURES

if TYPE_CHECKING:
    from cxrkd.report.cell_pictures import Shelf
    from cxrkd.runs.auditing.cells import Cells
    from cxrkd.runs.auditing.job import AuditJob


def cells(job: AuditJob, student: Member) -> Cells:
    """Films and findings of an audit, one by one; see `cells_of`."""
    return _cells(stamp(job.path / FIGURES), student, job)


@st.cache_resource(max_entries=8, show_spinner="Comparing maps film by film")
def _cells(key: tuple[str, int], student: Member, _job: AuditJob) -> Cells:
    from cxrkd.runs.auditing.cells import cells_of

    return cells_of(_job, student)


def gallery(job: AuditJob, student: Member) -> Shelf:
    """Cells of an audit worth a look, on the films that pages may show; see `shelf`."""
    return _gallery(stamp(job.path / FIGURES), student, images_here(job.data), job)


@st.cache_resource(max_entries=8, show_spinner="Drawing the cells worth a look")
def _gallery(key: tuple[str, int], student: Member, here: bool, _job: AuditJob) -> Shelf:
    from cxrkd.report.cell_pictures import shelf
    from cxrkd.runs.auditing.at_hand import FilmsAtHand

    with confined():
        return shelf(_job, student, cells(_job, student), FilmsAtHand(_job, lambda data: here, cohorts.table))
