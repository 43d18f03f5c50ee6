"""Distil: a form becomes a queued run; watch it, stop it, resume it, delete it, open it on every page."""

import streamlit as st

from cxrkd.dashboard import caching, forms, parts, session, tables
from cxrkd.dashboard.charts import training
from cxrkd.runs import Run, cancel, delete, keep_going, list_runs, log_tail, open_run, resume, submit

ICONS = {
    "queued": ":gray-badge[queued]",
    "running": ":blue-badge[running]",
    "done": ":green-badge[done]",
    "failed": ":red-badge[failed]",
    "cancelled": ":orange-badge[cancelled]",
    "interrupted": ":orange-badge[interrupted]",
}
POLL_S = 2.0
HISTORY_COLUMNS = ("Run", "Status", "From", "To", "Patients", "Pixels", *parts.MEMBER_TITLES, "Took", "When")


def new_run(runs: list[Run]) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        start = forms.preset()
    with right:
        kind = forms.data_kind()
    st.caption(expectation(start, kind))
    finished = [run.id for run in runs if run.state.status == "done"]
    config = forms.run_config(start, kind, finished, suggested_name=f"run {sum(not run.shipped for run in runs) + 1}")
    if config is not None:
        caching.guessed_seconds(config)  # builds the networks, and so refuses an image size that one does not take
        session.current().followed_run_id = submit(config).id
        st.rerun()


def expectation(start: forms.Preset, kind: str) -> str:
    if kind != "phantom":
        return "Read from a folder of the machine that runs this app, decoded once. How long it takes depends on it."
    time = tables.duration(caching.guessed_seconds(start.config("timing")))
    return f"{start.expect} About {time} on this machine with the values below."


@parts.boundary()
def live(run_id: str, was_active: bool) -> None:
    run = open_run(run_id)
    state = run.state
    st.markdown(
        f"**{parts.literal(run.name)}** {ICONS[state.status]} {run.config.teacher_arch} → {run.config.student_arch}"
    )
    if state.active:
        left = f", about {tables.duration(state.eta_s)} left" if state.eta_s is not None else ""
        st.progress(state.progress, text=f"{state.stage or 'Waiting for its turn'}{left}")
    elif state.message:
        parts.refused(state.message)
    draw_curves(run)
    with st.expander("Log"):
        st.code("\n".join(log_tail(run, 40)) or "Nothing yet.", language=None, height=240)
    if was_active and not state.active:
        st.rerun()


def draw_curves(run: Run) -> None:
    events = run.events()
    if not any(event.get("kind") == "epoch" for event in events):
        if run.state.active:
            st.caption("Curves appear after the first epoch.")
        return
    left, right = parts.side_by_side()
    with left:
        st.markdown("Training loss")
        parts.chart(training.epoch_curves(events, "loss", "Loss"), key="live_loss", alt="Training loss by epoch")
    with right:
        st.markdown("Macro AUROC on validation patients")
        figure = training.epoch_curves(events, "val_auroc", "Macro AUROC")
        parts.chart(figure, key="live_auroc", alt="Validation AUROC by epoch")


def open_everywhere(run_id: str) -> None:
    session.current().run_id = run_id


def actions(run: Run) -> None:
    state = run.state
    with st.container(horizontal=True):
        if state.status == "done":
            # A callback and no st.rerun: a rerun that a page asks for itself can swallow a click on another page.
            st.button(
                "Open on every page",
                type="primary",
                icon=":material/open_in_full:",
                on_click=open_everywhere,
                args=(run.id,),
            )
        if run.shipped:
            return
        if state.active and st.button("Cancel", icon=":material/stop:"):
            cancel(run)
            st.rerun()
        if state.status in ("interrupted", "failed", "cancelled") and st.button("Resume", icon=":material/resume:"):
            resume(run)
            st.rerun()
        if not state.active:
            confirm_deletion(run)


def confirm_deletion(run: Run) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(f"This removes **{run.id}** with its weights and figures. It cannot be undone.")
        if st.button("Delete for good", type="primary", key=f"delete_{run.id}"):
            delete(run)
            session.current().followed_run_id = None
            st.rerun()


def followed(runs: list[Run]) -> Run | None:
    own = {run.id: run for run in runs if not run.shipped}
    chosen = session.current().followed_run_id
    if chosen in own:
        return own[chosen]
    return next((run for run in own.values() if run.state.active), next(iter(own.values()), None))


def history(runs: list[Run]) -> None:
    table = tables.runs_table(runs, caching.metrics)
    form = {name: st.column_config.NumberColumn(format="%.3f") for name in parts.MEMBER_TITLES}
    form["From"] = st.column_config.TextColumn(width=150)
    form["Status"] = st.column_config.TextColumn(width=95)
    form["When"] = st.column_config.DatetimeColumn(format="D MMM, HH:mm")
    picked = st.dataframe(
        table,
        hide_index=True,
        column_order=HISTORY_COLUMNS,
        column_config=form,
        on_select="rerun",
        selection_mode="single-row",
        key="history",
        placeholder="–",
    )
    rows = picked["selection"]["rows"]
    st.caption("Macro AUROC on the test patients, mean over seeds. Select a row to look at that run.")
    if rows and runs[rows[0]].id != session.current().followed_run_id:
        session.current().followed_run_id = runs[rows[0]].id
        st.rerun()


def page() -> None:
    parts.frame(
        "Distil", "Train a small student to answer like a large teacher. It runs in the background; you can leave."
    )
    keep_going()
    runs = list_runs()
    run = followed(runs)
    with st.expander("New run", expanded=run is None, icon=":material/add:"), parts.boundary():
        new_run(runs)
    if run is None:
        parts.empty_state("No run of your own yet. Fill in the form above and press Distil.")
    else:
        with st.container(border=True):
            active = run.state.active
            st.fragment(live, run_every=POLL_S if active else None)(run.id, active)
            with parts.boundary():
                actions(run)
    if runs:
        st.subheader("History", anchor=False)
        history(runs)


with parts.boundary():
    page()
