"""Who is looking at this page, and what of this machine such a person may see."""

from __future__ import annotations

import streamlit as st
from streamlit import runtime

from cxrkd import data
from cxrkd.access import folders, tokens
from cxrkd.access.roles import THIS_MACHINE, Person
from cxrkd.config import READERS, DataConfig
from cxrkd.dashboard.serving.door import PERSON, WRONG_TOKEN, introduced
from cxrkd.errors import AccessError, RunError
from cxrkd.jobs.asked import by_page
from cxrkd.runs import Run, sample_films

NO_DOOR = "This page is served without the door that says who may see it. Start the dashboard with `cxrkd app`."
ON_COMMAND_LINE = "It stopped; `cxrkd runs show {id}` on the machine of this server says why."


def current() -> Person:
    """The person of this visit, asked anew each time: a link may have been made new since the page was opened.

    Raises:
        AccessError: nobody let this visit in, or its link is not valid any more.
    """
    if not served():
        return THIS_MACHINE
    introduction = introduced(st.context.headers.get(PERSON.decode()) or "")
    if introduction is None:
        raise AccessError(NO_DOOR)
    person, cookie = introduction
    if cookie and tokens.person_of(cookie) is None:
        raise AccessError(WRONG_TOKEN)
    return person


def served() -> bool:
    """Whether a server runs this page, and not a test."""
    return runtime.exists() and type(runtime.get_instance()) is runtime.Runtime


def makes() -> bool:
    """Whether this visit may train, cancel, delete, download."""
    return current().may("make")


def images_here(config: DataConfig) -> bool:
    """Whether pages can show the images of a data set: they are on this machine, in a folder that is open to pages."""
    return folders.is_open(config) and data.is_here(config)


def films_of(run: Run) -> DataConfig | None:
    """The data set whose test films pages can show a run on; None where there is none that they may show.

    Raises:
        RunError: its config or labels are damaged.
    """
    return sample_films.films_of(run, images_here)


def message(run: Run) -> str:
    """Why a run stopped, as a page may say it: what the command line's own runs read stays there."""
    reason = run.state.message
    return reason if not reason or _tells(run) else ON_COMMAND_LINE.format(id=run.id)


def log_lines(run: Run, n: int) -> list[str]:
    """The last lines of a run's log, for who may make runs."""
    if not _tells(run):
        return [f"`cxrkd runs log {run.id}` on the machine of this server shows the log of this run."]
    return run.log_tail(n)


def _tells(run: Run) -> bool:
    """Whether errors of a run quote nothing of a foreign file."""
    try:
        return by_page(run) or READERS[run.config.data.kind].drawn
    except RunError:
        return False
