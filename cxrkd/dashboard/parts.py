"""Small elements every page shares: the frame with the run chooser, notices, empty states, the errors boundary."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.column_types import ColumnConfig

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import routes, session
from cxrkd.dashboard.charts import style
from cxrkd.errors import CxrkdError, RunError
from cxrkd.names import file_name
from cxrkd.runs import Run
from cxrkd.runs.answer import answering, finished_runs

log = logging.getLogger("cxrkd.dashboard")

PHANTOM_RESULT = "Measured on phantom radiographs, which are drawn by a program. They say nothing about patients."
HALF_PX = 360
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+|~$:!&])")
_LIST_MARK = re.compile(r"^(\d*)([-.])")  # `1. film.png` would lose its number
MEMBER_TITLES = tuple(MEMBER_NAMES.values())
NOT_CLINICAL = "Research software. Not for clinical use."
RUN_HELP = "A run is one distillation: its data, its teacher and its students. New ones are made on the Distil page."


@contextmanager
def boundary() -> Iterator[None]:
    """Turn exceptions into sentences. Also a decorator, for fragments, which rerun outside the page's boundary.

    A `CxrkdError` is shown as it reads. Anything else is a defect of ours: the visitor gets a reference, the server
    log the traceback under that reference. Streamlit's own control flow passes through, it is no `Exception`.
    """
    try:
        yield
    except CxrkdError as error:
        refused(error)
    except Exception:
        reference = secrets.token_hex(3)
        log.exception("page failed, reference %s", reference)
        st.error(
            f"Something went wrong on our side and this part of the page cannot be shown. The server log has the "
            f"details under reference {reference}. The other pages are not affected.",
            icon=":material/error:",
        )


def literal(text: str) -> str:
    """Text that did not come from us (file names, what a library said) for places that read markdown."""
    one_line = " ".join(text.split())
    return _LIST_MARK.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", one_line))


def refused(error: CxrkdError | str, icon: str = ":material/error:") -> None:
    """The sentence of an error that the visitor can act on, shown as it reads."""
    st.error(literal(str(error)), icon=icon)


def frame(title: str, lead: str) -> Run | None:
    """The first beat of a page: title, one sentence on what it is for, and the sidebar.

    Returns:
        The run that the visitor has chosen; None where there is no finished run.
    """
    routes.enter_by_app()
    st.title(title, anchor=False)
    st.markdown(lead)
    with st.sidebar:
        run = _choose_run()
        st.caption(NOT_CLINICAL)
    return run


def run_title(run: Run) -> str:
    """How a run is called in lists; its id alone where its config cannot be read."""
    try:
        name = run.name
    except RunError:
        return f"{run.id} (damaged)"
    if run.shipped:
        return f"{name} (shipped)"
    return name if name == run.id else f"{name} · {run.id}"


def _choose_run() -> Run | None:
    runs = {run.id: run for run in finished_runs()}
    if not runs:
        st.caption("No finished run yet.")
        return None
    chosen = session.current()
    ids = list(runs)
    index = ids.index(chosen.run_id) if chosen.run_id in runs else 0
    chosen.run_id = st.selectbox(
        "Run shown on every page", ids, index=index, format_func=lambda i: run_title(runs[i]), help=RUN_HELP
    )
    return runs[chosen.run_id]


def choose_answering(run: Run, key: str) -> Run:
    """Who answers uploads: shown and changeable where there is more than one run."""
    runs = {one.id: one for one in finished_runs()}
    if len(runs) < 2:
        return run
    start = list(runs).index(answering(run, list(runs.values())).id)
    # The key holds the run of the sidebar: another one there starts anew.
    chosen = st.selectbox(
        "Answered by", list(runs), index=start, format_func=lambda i: run_title(runs[i]), key=f"{key}_{run.id}"
    )
    return runs[chosen]


def data_elsewhere(run: Run) -> None:
    """The empty state of whatever shows images of a run that are not on this machine."""
    name = literal(run_title(run))
    empty_state(f"The images of {name} are not on this machine. Upload films, or choose another run in the sidebar.")


def empty_state(sentence: str, *links: str) -> None:
    """Say what is missing and what to do about it, with links to the pages that help."""
    with st.container(border=True):
        st.markdown(f":material/inbox: {sentence}")
        for name in links:
            routes.link(name)


def no_run() -> None:
    """The empty state of every page that shows a run."""
    empty_state(
        "There is no finished run on this machine. Make one on the Distil page; it takes a few minutes.", "distill"
    )


def notice(sentence: str) -> None:
    """A quiet line: a fact the reader needs beside a figure."""
    st.caption(f":material/info: {sentence}")


def chart(figure: go.Figure, *, key: str, alt: str, file: str = "cxrkd") -> None:
    """Draw a figure across the column, in the theme's colours; saved as a picture it is called `file`.png."""
    config = style.CONFIG | {"toImageButtonOptions": {"filename": file_name(file)}}
    st.plotly_chart(figure, width="stretch", theme="streamlit", key=key, config=config, alt=alt)


def side_by_side() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Two halves that become one column where a chart would get too narrow to read."""
    cells = st.grid(2, min_column_width=HALF_PX, gap="medium")
    return cells.cell(), cells.cell()


def choose(label: str, options: Sequence[str], default: str, *, key: str, help: str | None = None) -> str:
    """A segmented control that always has a value."""
    chosen = st.segmented_control(label, options, default=default, required=True, key=key, help=help)
    return str(chosen or default)


def member_title(member: str) -> str:
    """`alone` -> `Student alone`."""
    return MEMBER_NAMES[member]


def film_title(film: session.Film) -> None:
    """The name of the file or sample over whatever is said about it."""
    st.subheader(literal(film.name), anchor=False)


def reader_notes(film: session.Film) -> None:
    """What the reader did to an uploaded file."""
    if film.notes:
        notice(literal("; ".join(film.notes)))


def two_digits() -> dict[str, ColumnConfig]:
    """Two decimals for every numeric column of the explanation tables."""
    names = (*MEMBER_TITLES, "Evidence inside", "Chance", "× chance", "IoU")
    return {name: st.column_config.NumberColumn(format="%.2f") for name in names}
