"""What a visitor sees while the models are busy: how far it is, how many come first, or that it is too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxrkd.config import Member
from cxrkd.dashboard import engines, layout, session
from cxrkd.errors import BusyError
from cxrkd.runs import Run
from cxrkd.runtime.compute import Ticket

LOOK_S = 0.5
COMPARING_S = 2.0
GUESSING_S = 0.5
QUIET_S = 0.3


def visitor() -> str:
    """Who takes turns: the session of this tab."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


Draw = Callable[[float, str], object]
"""Draws how far something is: a share of 1, and a sentence."""


def for_all(tickets: Sequence[Ticket[Any]], what: str, draw: Draw | None = None) -> None:
    """Wait until all is computed, and say meanwhile how far it is; nothing is said of a short wait.

    A visitor who leaves, or asks for something else, ends the wait, and what has not begun is not computed.

    Args:
        tickets: what this visitor waits for, in the order in which it was asked.
        what: for people, such as "the models look at your films".
        draw: draws how far it is, in place of a bar of its own.
    """
    line, drawn = st.empty(), (0.0, "")
    draw = draw or line.progress
    try:
        waited = QUIET_S
        while left := [ticket for ticket in tickets if not ticket.done()]:
            left[0].wait(waited)
            session.current()  # here Streamlit ends the script of a visitor who does not wait any more
            waited, now = LOOK_S, _progress(tickets, what)
            if now != drawn:
                draw(*now)
                drawn = now
    finally:
        for ticket in tickets:
            ticket.cancel()
    if drawn[1]:
        line.empty()


def _progress(tickets: Sequence[Ticket[Any]], what: str) -> tuple[float, str]:
    left = [ticket for ticket in tickets if not ticket.done()]
    done = len(tickets) - len(left)
    return done / len(tickets), sentence(what, done, len(tickets), left[0].before() if left else None)


def sentence(what: str, done: int, total: int, before: int | None) -> str:
    """`2 visitors before you; then the models look at your films: 3 of 8 done.`."""
    far = f"{what}: {done} of {total} done." if total > 1 and done else f"{what}."
    if not before:
        return far[0].upper() + far[1:]
    return f"{before} {'visitor' if before == 1 else 'visitors'} before you; then {far}"


def busy(error: BusyError) -> None:
    """Say that too many wait, offer to ask again, and end the page here."""
    with st.container(border=True):
        st.markdown(f":material/hourglass_top: {layout.literal(str(error))}")
        st.button("Ask again", icon=":material/refresh:", key="ask_again")
    st.stop()


@layout.boundary()
def look_again(run: Run, members: Sequence[Member]) -> None:
    """Draw the page anew once the engines are compared: the fastest answer then, and it is known how fast."""
    if not engines.choosing(run, members):
        st.rerun()


def for_engines(run: Run, members: Sequence[Member]) -> None:
    """Come back when the engines are compared, without holding up the page."""
    st.fragment(look_again, run_every=COMPARING_S)(run, members)


def for_result(future: Future[Any]) -> None:
    """Draw the page anew once something is known, without holding it up."""
    st.fragment(_rerun_when_done, run_every=GUESSING_S)(future)


def _rerun_when_done(future: Future[Any]) -> None:
    if future.done():
        st.rerun()
