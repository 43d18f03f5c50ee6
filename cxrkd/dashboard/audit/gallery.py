"""Cells worth a look as pictures, each a click from the Explain page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.dashboard import layout, routes
from cxrkd.dashboard.caching import audits
from cxrkd.dashboard.explain.link import PARAMETERS, link
from cxrkd.labels import display_name
from cxrkd.runs.auditing.at_hand import NOT_AT_HAND
from cxrkd.runs.auditing.cells import Cells
from cxrkd.runs.auditing.job import AuditJob
from cxrkd.runs.auditing.tables import cell_note

GAP, GREY = 6, 128
LEAST_PX = 230
"""Pixels of the narrowest column of pictures."""


def show(job: AuditJob, student: Member, cells: Cells) -> None:
    """Kinds of cells under each other, a few pictures each: the teacher's map on the left, the student's on the right.

    Args:
        job: a finished audit.
        student: whose cells.
        cells: all of them.
    """
    shelf, ids = audits.gallery(job, student), job.films()["ids"]
    st.markdown("**Cells worth a look.** " + _legend(student))
    if not shelf.at_hand:
        layout.notice(NOT_AT_HAND)
    for kind in shelf.kinds:
        st.markdown(f"**{kind.title}.** {kind.sentence}")
        grid = st.grid(len(kind.cells) if len(kind.cells) > 1 else 2, min_column_width=LEAST_PX, gap="medium")
        for m in map(int, kind.cells):
            with grid.cell():
                _picture(job, cells, m, shelf.pictures[m], str(ids[cells.films[m]]))
                if shelf.at_hand:
                    routes.link("explain", "Explain this film", asked(job, cells, m))


def _legend(student: Member) -> str:
    return (
        f"Left the map of the teacher, right that of the {MEMBER_NAMES[student].lower()}, each in its own full "
        "colours; a line is a marked lesion."
    )


def _picture(job: AuditJob, cells: Cells, m: int, pair: tuple[np.ndarray, np.ndarray], film: str) -> None:
    title = f"{display_name(job.run().labels[cells.labels[m]])}, {film}"
    note, gap = cell_note(cells, m), np.full((len(pair[0]), GAP, 3), GREY, np.uint8)
    st.image(np.hstack([pair[0], gap, pair[1]]), width="stretch", alt=f"{title}: {note}")
    st.caption(f"**{layout.literal(title)}**  \n{layout.literal(note)}")


def asked(job: AuditJob, cells: Cells, m: int) -> dict[str, str]:
    """What the address of a cell on the Explain page asks for."""
    return dict(zip(PARAMETERS, _view(job, cells, m), strict=True))


def address(job: AuditJob, cells: Cells, m: int) -> str:
    """Where the Explain page shows a cell."""
    return link(*_view(job, cells, m))


def _view(job: AuditJob, cells: Cells, m: int) -> tuple[str, str, str, str]:
    run, film = job.run(), str(job.films()["ids"][cells.films[m]])
    return run.id, film, run.labels[cells.labels[m]], job.config.method
