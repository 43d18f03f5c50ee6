"""What can be done with a run besides running it: ask for another like it, call it something else, note something."""

from __future__ import annotations

import streamlit as st

from cxrkd.dashboard import access, layout, session
from cxrkd.dashboard.distill import making
from cxrkd.dashboard.distill.presets import Like, Start, preset
from cxrkd.errors import RunError
from cxrkd.runs import Run
from cxrkd.runs.describing import LONGEST_NAME, LONGEST_NOTE


def start(runs: list[Run]) -> Start:
    """Where the form starts from: the run that was chosen to be cloned, else a preset."""
    chosen = next((run for run in runs if run.id == session.current().like_run_id), None)
    like = None if chosen is None else _like(chosen)
    if chosen is None or like is None:
        return preset()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Starts from the settings of **{layout.literal(layout.run_title(chosen))}**.")
        st.button("Start from a size instead", icon=":material/close:", on_click=clone, args=(None,))
    if any(term != type(term)(name=term.name) for term in like.settings.objective.also):
        layout.notice(
            "Objectives that go along have their own settings in that run. This form gives them their defaults; the "
            f"command line keeps them: `cxrkd distill --like {chosen.id}`."
        )
    return like


def _like(run: Run) -> Like | None:
    try:
        return Like(run.id, run.config)
    except RunError:  # damaged since; the list shows it as unreadable
        return None


def clone(run_id: str | None) -> None:
    """Let the form start from a run; from a preset again where it is None."""
    session.current().like_run_id = run_id


def draw_note(run: Run) -> None:
    """What was noted on the run, where something was."""
    note = run.description.note
    if note:
        layout.notice(layout.literal(note))


def draw_actions(run: Run) -> None:
    """The buttons, for who may make runs."""
    st.button("Clone with changes", icon=":material/content_copy:", on_click=clone, args=(run.id,))
    if run.shipped:
        return
    with st.popover("Name and note", icon=":material/edit_note:", key=f"describing_{run.id}"):
        # No limit in the widgets: what is too long would be cut without a word.
        name = st.text_input(
            "Name", run.name, key=f"name_{run.id}", help=f"up to {LONGEST_NAME} characters; the id stays"
        )
        note = st.text_area("Note", run.description.note, key=f"note_{run.id}", help=f"up to {LONGEST_NOTE} characters")
        if st.button("Keep", type="primary", key=f"keep_{run.id}"):
            making.describe_run(access.current(), run, name, note)
            st.rerun()
