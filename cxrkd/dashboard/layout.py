"""Small elements every page shares: the frame with the run chooser, notices, empty states, the errors boundary."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from pandas.io.formats.style import Styler
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.column_types import ColumnConfig

from cxrkd.config import MEMBER_NAMES, RunConfig
from cxrkd.dashboard import access, routes, session, tables
from cxrkd.dashboard.charts import style
from cxrkd.errors import CxrkdError, RunError, unwritable
from cxrkd.images.film import SHORT, Film
from cxrkd.jobs.job import Job
from cxrkd.models.network import network_title
from cxrkd.names import file_name
from cxrkd.report.provenance import NOT_CLINICAL
from cxrkd.runs import Run
from cxrkd.runs.choosing import PHANTOM_RESULT as PHANTOM_RESULT
from cxrkd.runs.choosing import answering, finished_runs
from cxrkd.text import MISSING

J = TypeVar("J", bound=Job)

log = logging.getLogger("cxrkd.dashboard")

HALF_PX = 360
_CHOOSER = "chosen_run"
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+|~$:!&])")
_LIST_MARK = re.compile(r"^(\d*)([-.])")  # `1. film.png` would lose its number
MEMBER_TITLES = tuple(MEMBER_NAMES.values())
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
    except Exception as error:
        full = unwritable(error)
        if full is not None:
            log.exception("the disk cannot be written")
            refused(f"This server cannot write to its disk ({full.strerror}). Its operator can make room or allow it.")
            return
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


_ON_PRIMARY = "[data-testid^='stBaseButton-primary'], [data-testid^='stBaseButton-primary'] *, [data-tag], [data-tag] *"


def frame(title: str, lead: str) -> Run | None:
    """The first beat of a page: title, one sentence on what it is for, and the sidebar.

    Returns:
        The run that the visitor has chosen; None where there is no finished run.
    """
    routes.enter_by_app()
    access.current()  # a link that was made new since closes the page
    _keep_legible()
    st.title(title, anchor=False)
    st.markdown(lead)
    with st.sidebar:
        run = _choose_run()
        st.caption(NOT_CLINICAL)
    return run


def _keep_legible() -> None:
    """In dark, what stands on the primary colour is dark.

    Streamlit writes it in white, and what is chosen in the primary colour: on dark none has contrast for both.
    """
    st.html(f"<style>{_ON_PRIMARY} {{ color: light-dark(#ffffff, #0b1117); }}</style>")


def run_title(run: Run) -> str:
    """How a run is called in lists; its id alone where its config cannot be read."""
    try:
        name = run.name
    except RunError:
        return f"{run.id} (unreadable)"
    if run.shipped:
        return f"{name} (shipped)"
    return name if name == run.id else f"{name} · {run.id}"


def networks_of(config: RunConfig) -> str:
    """`DenseNet121 → EEEA-Net-C2`."""
    return f"{network_title(config.teacher_arch)} → {network_title(config.student_arch)}"


def _choose_run() -> Run | None:
    runs = {run.id: run for run in finished_runs()}
    if not runs:
        st.caption("No finished run yet.")
        return None
    chosen = session.current()
    if chosen.run_id not in runs:
        if chosen.run_by == "visitor":
            st.caption(f":material/info: {literal(str(chosen.run_id))} is no longer there.")
        session.select_run(next(iter(runs)), by="nobody")
    st.session_state[_CHOOSER] = chosen.run_id  # Streamlit forgets a widget that the last page did not show
    st.selectbox(
        "Run shown on every page",
        list(runs),
        format_func=lambda i: run_title(runs[i]),
        help=RUN_HELP,
        key=_CHOOSER,
        on_change=_chosen_by_visitor,
    )
    if chosen.run_by == "upload":
        st.caption(":material/info: Selected for your upload: it learned from films of patients.")
    return runs[str(chosen.run_id)]


def _chosen_by_visitor() -> None:
    session.select_run(st.session_state[_CHOOSER])


def suit_uploads(run: Run) -> None:
    """See to it that uploads are answered by a run that knows patients, in the one place where runs are chosen.

    Before the visitor has chosen a run, the sidebar's moves to the recommended one. A choice of the visitor is kept;
    where it knows phantoms only, this says so and offers the other.
    """
    better = answering(run, finished_runs())
    if better.id == run.id:
        return
    if session.current().run_by != "visitor":
        session.select_run(better.id, by="upload")
        st.rerun()
    with st.container(border=True):
        name = literal(run_title(run))
        st.markdown(
            f":material/info: {name} learned from drawn radiographs: its answers to films of patients mean nothing."
        )
        offer_run(better, key="suit_uploads")


def offer_run(run: Run, *, key: str) -> None:
    """A button that shows another run on every page."""
    # A callback and no st.rerun: a rerun that a page asks for itself can swallow a click on another page.
    st.button(
        f"Switch to {literal(run_title(run))}",
        icon=":material/swap_horiz:",
        on_click=session.select_run,
        args=(run.id,),
        key=f"{key}_{run.id}",
    )


def images_elsewhere(run: Run, instead: str, *links: str) -> None:
    """The empty state of whatever shows films of a run of which there are none on this machine.

    Args:
        run: whose images are missing.
        instead: what else can be done on this page, as a sentence.
        links: pages that help.
    """
    where = "not on this machine, or not in a folder that pages may read (`cxrkd app --data DIR`)"
    empty_state(f"The images of {literal(run_title(run))} are {where}. {instead}".strip(), *links)
    others = (one for one in finished_runs() if one.id != run.id)
    with_images = next((one for one in others if access.films_of(one)), None)
    if with_images is not None:
        offer_run(with_images, key="images_elsewhere")


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


def table(data: pd.DataFrame | Styler, **options: Any) -> Any:
    """Draw a table; what is missing is a dash in every column, whatever its type.

    Args:
        data: the table, or one with formats of its own.
        options: as `st.dataframe` takes them.
    """
    shown = data if isinstance(data, Styler) else tables.without_missing(data)
    return st.dataframe(shown, placeholder=MISSING, **{"hide_index": True, **options})


def chart(
    figure: go.Figure, *, key: str, alt: str, file: str = "cxrkd", config: Mapping[str, object] | None = None
) -> None:
    """Draw a figure across the column, in the theme's colours; saved as a picture it is called `file`.png.

    A figure without a height of its own fills its container. `config` is of plotly, beside what all figures have.
    """
    config = style.CONFIG | {"toImageButtonOptions": {"filename": file_name(file)}} | dict(config or {})
    height: Literal["content", "stretch"] = "stretch" if figure.layout.height is None else "content"
    st.plotly_chart(figure, width="stretch", height=height, theme="streamlit", key=key, config=config, alt=alt)


def side_by_side() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Two halves that become one column where a chart would get too narrow to read."""
    cells = st.grid(2, min_column_width=HALF_PX, gap="medium")
    return cells.cell(), cells.cell()


def choose(label: str, options: Sequence[str], default: str, *, key: str, help: str | None = None) -> str:
    """A segmented control that always has a value."""
    start = None if key in st.session_state else default  # Streamlit's log complains of two values
    chosen = st.segmented_control(label, options, default=start, required=True, key=key, help=help)
    return str(chosen or default)


def choose_job(label: str, jobs: Sequence[J], title_of: Callable[[J], str], *, key: str) -> J:
    """A box to choose one of several jobs; the one whose id a page has put at `{key}_followed` comes first once."""
    by_id = {job.id: job for job in jobs}
    followed = st.session_state.pop(f"{key}_followed", None)
    if followed in by_id:
        st.session_state[f"{key}_shown"] = followed
    if len(jobs) == 1:
        return jobs[0]
    return by_id[st.selectbox(label, list(by_id), format_func=lambda i: title_of(by_id[i]), key=f"{key}_shown")]


def member_title(member: str) -> str:
    """`alone` -> `Student alone`."""
    return MEMBER_NAMES[member]


def film_title(film: Film) -> None:
    """The name of the file or sample over whatever is said about it."""
    st.header(literal(film.name), anchor=False)


def about_film(film: Film) -> None:
    """What the reader did to an uploaded file, and by which hash command line and CSV name it."""
    if film.notes:
        notice(literal("; ".join(film.notes)))
    if film.digest:
        full = f"SHA-256 of its pixels, as in the CSV: `{film.digest}`"
        st.caption(f":material/fingerprint: `{film.digest[:SHORT]}`", help=full)


def two_digits() -> dict[str, ColumnConfig]:
    """Two decimals for every numeric column of the explanation tables."""
    names = (*MEMBER_TITLES, "Evidence inside", "Chance", "× chance", "IoU")
    return {name: st.column_config.NumberColumn(format="%.2f") for name in names}
