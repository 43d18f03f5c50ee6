"""Watch: a folder such as a scanner's, whose films teacher and student answer as they come."""

import streamlit as st

from cxrkd.dashboard import access, layout, lighter
from cxrkd.dashboard.watching import showing
from cxrkd.runs import Run
from cxrkd.runs.watching.job import WatchJob, list_watches

LEAD = (
    "A folder is watched, such as where a scanner puts its films. Teacher and student answer each film as it comes; "
    "those on which they differ stand on top."
)
NONE = "No folder is watched on this machine yet. {how} On the command line: `python -m cxrkd watch DIR`."
HELP = "Below a folder that the operator has opened to pages with `cxrkd app --data DIR`; relative to it, or its path."
POLL_S = 2.0


def new_watch(run: Run) -> None:
    lighter.offer(run)
    with st.form("watch_form", border=True):
        st.caption(f"{layout.literal(layout.run_title(run))} answers; choose another run in the sidebar.")
        folder = st.text_input("Folder", max_chars=1000, key="watch_folder", help=HELP)
        force = st.checkbox("Also answer what does not look like a chest radiograph", key="watch_force")
        started = st.form_submit_button("Watch it", type="primary", icon=":material/notifications_active:")
    if started:
        from cxrkd.dashboard.watching import making  # what makes jobs is not imported to look at one

        st.session_state["watch_followed"] = making.start(access.current(), run, folder, force=force).id
        st.rerun()


def title_of(job: WatchJob) -> str:
    films = job.summary().get("films", "0")
    return f"{job.id}, {films} films, {job.state.status}"


def actions(job: WatchJob) -> None:
    from cxrkd.dashboard.distill import making as jobs
    from cxrkd.dashboard.watching import making

    state = job.state
    with st.container(horizontal=True):
        if state.active and st.button("Stop watching", icon=":material/stop:"):
            jobs.act(access.current(), "cancel", job)
            st.rerun()
        if not state.active and state.status != "unreadable" and st.button("Go on", icon=":material/resume:"):
            making.go_on(access.current(), job)
            st.rerun()
        if not state.active:
            with st.popover("Delete", icon=":material/delete:", key=f"deleting_{job.id}"):
                st.markdown(f"This removes what **{layout.literal(job.id)}** answered; the films stay.")
                if st.button("Delete for good", type="primary", key=f"delete_{job.id}"):
                    jobs.act(access.current(), "delete", job)
                    st.rerun()


def follow(job: WatchJob) -> None:
    @layout.boundary()
    def look() -> None:
        if active and not job.state.active:
            st.rerun()
        showing.show(job)

    active = job.state.active
    st.fragment(look, run_every=POLL_S if active else None)()


def page() -> None:
    run = layout.frame("Watch", LEAD)
    watches, makes = list_watches(), access.makes()
    if run is None and not watches:
        layout.no_run()
        return
    if makes and run is not None:
        with st.expander("New watch", expanded=not watches, icon=":material/add:"), layout.boundary():
            new_watch(run)
    if not watches:
        layout.empty_state(NONE.format(how="Name one above." if makes else ""), "classify")
        return
    job = layout.choose_job("Watch", watches, title_of, key="watch")
    if job.state.status == "unreadable":
        layout.refused(job.state.message)
    if makes:
        with layout.boundary():
            actions(job)
    follow(job)


with layout.boundary():
    page()
