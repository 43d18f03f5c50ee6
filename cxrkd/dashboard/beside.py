"""Jobs beside a run (`cxrkd.runs.beside`) on a page: at work, stopped, or not asked for yet."""

from __future__ import annotations

import streamlit as st

from cxrkd.dashboard import access, layout
from cxrkd.jobs.asked import by_page
from cxrkd.jobs.job import Job
from cxrkd.runs import Run
from cxrkd.text import duration

POLL_S = 2.0


def under_way(job: Job, what: str) -> bool:
    """Shows a job that is not done, `what` being its kind with an article; whether nothing else is to be shown.

    One that is at work is watched, and the page comes again when it ends; of one that was stopped it is said how it
    goes on, and another may be offered.
    """
    if job.state.active:
        _wait_for(job, what)
        return True
    if job.state.status != "done":
        _stopped(job, what)
    return False


def _wait_for(job: Job, what: str) -> None:
    @layout.boundary()
    def look() -> None:
        state = job.state
        if not state.active:
            st.rerun()
        left = f", about {duration(state.eta_s)} left" if state.eta_s is not None else ""
        st.progress(state.progress, text=f"{state.stage or 'Waiting for its turn'}{left}")

    st.markdown(f"{what} of this run is at work; you can leave.")
    st.fragment(look, run_every=POLL_S)()


def _stopped(job: Job, what: str) -> None:
    state = job.state
    if state.status == "failed" and by_page(job):
        layout.refused(state.message)
    else:
        layout.notice(
            f"{what} of this run was stopped ({state.status}). Go on with it: "
            f"`python -m cxrkd runs resume {layout.literal(job.id)}`"
        )


def offered(run: Run, missing: str, command: str, button: str, icon: str) -> bool:
    """The empty state: what is missing, the command that makes it, and where visitors may, a button; if it was pressed.

    Args:
        run: which.
        missing: what was not done yet, as sentences.
        command: of the command line, without `python -m cxrkd`.
        button: its title.
        icon: its symbol.
    """
    here = access.images_here(run.config.data)
    elsewhere = "" if here else " Its films are not where pages may read them: add `--folder DIR`."
    layout.empty_state(f"{missing} On the command line: `python -m cxrkd {command}`.{elsewhere}")
    return here and access.makes() and st.button(button, icon=icon, type="primary")
