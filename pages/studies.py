"""Studies: which teacher, which student, which way of teaching? A grid of runs, in one table."""

import streamlit as st

from cxrkd.dashboard import access, layout
from cxrkd.dashboard.studies import showing
from cxrkd.errors import RunError
from cxrkd.runs import Run
from cxrkd.studies.figures import StudyFigures
from cxrkd.studies.study import Study, list_studies
from cxrkd.text import duration

LEAD = (
    "Which teacher, which student, which way of teaching? A study is a grid of runs over one data set, each held "
    "against the student alone, all in one table."
)
NONE = (
    "No study was made on this machine yet. {how} On the command line: `python -m cxrkd study STUDY.yaml`. A single "
    "run is made on the Distil page."
)
POLL_S = 2.0
STOPPED = ("interrupted", "failed", "cancelled")


def new_study(run: Run | None) -> None:
    from cxrkd.dashboard.distill import making  # what makes jobs is not imported to look at one
    from cxrkd.dashboard.studies import asking

    config = asking.study(run)
    if config is not None:
        st.session_state["study_followed"] = making.queue_study(access.current(), config).id
        st.rerun()


def title_of(study: Study) -> str:
    state = study.state
    if state.status == "unreadable":
        return f"{study.id} (unreadable)"
    standing = "came with cxrkd" if study.shipped else state.status
    return f"{study.config.name} · {study.id}, {study.n_cells} cells, {standing}"


def watch(study: Study, cells_done: str) -> None:
    @layout.boundary()
    def look() -> None:
        state = study.state
        if not state.active or study.summary()["cells done"] != cells_done:
            st.rerun()
        left = f", about {duration(state.eta_s)} left" if state.eta_s is not None else ""
        st.progress(state.progress, text=f"{state.stage or 'Waiting for its turn'}{left}")

    st.markdown(f"At work, cells done {cells_done}; you can leave.")
    st.fragment(look, run_every=POLL_S)()


def stopped(study: Study) -> None:
    state = study.state
    if state.status == "failed":
        layout.refused(state.message if showing.tells(study) else access.ON_COMMAND_LINE.format(id=study.id))
    elif state.status in STOPPED:
        layout.notice(f"It was stopped ({state.status}); what is done is kept, and it goes on where it was.")


def actions(study: Study) -> None:
    from cxrkd.dashboard.distill import making

    state = study.state
    with st.container(horizontal=True):
        if state.active and st.button("Cancel", icon=":material/stop:"):
            making.act(access.current(), "cancel", study)
            st.rerun()
        if state.status in STOPPED and st.button("Resume", icon=":material/resume:"):
            making.act(access.current(), "resume", study)
            st.rerun()
        if not state.active:
            with st.popover("Delete", icon=":material/delete:", key=f"deleting_{study.id}"):
                st.markdown(f"This removes the study **{layout.literal(study.id)}** and its table; its runs stay.")
                if st.button("Delete for good", type="primary", key=f"delete_{study.id}"):
                    making.act(access.current(), "delete", study)
                    st.rerun()


def measured(study: Study) -> StudyFigures | None:
    try:
        return study.figures()
    except RunError:  # nothing is measured yet
        return None


def show(study: Study) -> None:
    state = study.state
    if state.status == "unreadable":
        layout.refused(state.message)
    elif state.active:
        watch(study, study.summary()["cells done"])
    else:
        stopped(study)
    if access.makes() and not study.shipped:
        with layout.boundary():
            actions(study)
    figures = measured(study) if state.status != "unreadable" else None
    if figures is not None:
        showing.show(study, figures)


def page() -> None:
    run = layout.frame("Studies", LEAD)
    studies, makes = list_studies(), access.makes()
    if makes:
        with st.expander("New study", expanded=not studies, icon=":material/add:"), layout.boundary():
            new_study(run)
    if not studies:
        layout.empty_state(NONE.format(how="Describe its grid above." if makes else ""), "distill")
        return
    show(layout.choose_job("Study", studies, title_of, key="study"))


with layout.boundary():
    page()
