"""Distil: a form becomes a queued run; watch it, stop it, resume it, delete it, open it on every page."""

import streamlit as st

from cxrkd.dashboard import access, layout, session, tables
from cxrkd.dashboard.caching import run_figures
from cxrkd.dashboard.charts import style, training
from cxrkd.dashboard.distill import checking, foretelling, form, making, other_jobs, workbench
from cxrkd.jobs.health import health
from cxrkd.jobs.queue import keep_going
from cxrkd.runs import Run, list_runs, open_run
from cxrkd.text import duration

ICONS = {
    "queued": ":gray-badge[queued]",
    "running": ":blue-badge[running]",
    "done": ":green-badge[done]",
    "failed": ":red-badge[failed]",
    "cancelled": ":orange-badge[cancelled]",
    "interrupted": ":orange-badge[interrupted]",
    "unreadable": ":red-badge[unreadable]",
}
POLL_S = 2.0
HISTORY_COLUMNS = ("Run", "Status", "From", "To", "Patients", "Pixels", *layout.MEMBER_TITLES, "Took", "When")


@layout.boundary()
def new_run() -> None:
    """The form, a fragment of its own: the rest of the page is not drawn anew while somebody types."""
    runs = list_runs()
    start = workbench.start(runs)
    chosen = form.variants(start)
    st.caption(start.expect)
    finished = [run.id for run in runs if run.state.status == "done"]
    suggested = f"run {sum(not run.shipped for run in runs) + 1}"
    entered = form.ask(start, chosen, finished, suggested_name=suggested)
    foretelling.foretell(entered)
    checking.draw(entered)
    if entered.submitted:
        run = making.queue_run(access.current(), entered.config())
        session.current().followed_run_id = run.id
        workbench.clone(None)
        st.rerun()


def statuses() -> dict[str, str]:
    """Where every run stands now."""
    return {run.id: run.state.status for run in list_runs()}


@layout.boundary()
def live(run_id: str, seen: dict[str, str]) -> None:
    run = open_run(run_id)
    state = run.state
    networks = "" if state.status == "unreadable" else layout.networks_of(run.config)
    st.markdown(f"**{layout.literal(layout.run_title(run))}** {ICONS[state.status]} {layout.literal(networks)}")
    if state.status == "unreadable":
        layout.refused(state.message)
        return
    workbench.draw_note(run)
    if state.active:
        left = f", about {duration(state.eta_s)} left" if state.eta_s is not None else ""
        st.progress(state.progress, text=f"{state.stage or 'Waiting for its turn'}{left}")
    elif state.message:
        layout.refused(access.message(run))
    draw_curves(run)
    if access.makes():
        with st.expander("Log"):
            st.code("\n".join(access.log_lines(run, 40)) or "Nothing yet.", language=None, height=240)
    if statuses() != seen:  # the buttons and the history stand outside this fragment
        st.rerun()


def draw_curves(run: Run) -> None:
    events = run.events()
    if not any(event.get("kind") == "epoch" for event in events):
        active = run.state.active
        st.caption(
            "Curves appear after the first epoch." if active else "No epoch was finished, so there are no curves."
        )
        return
    left, right = layout.side_by_side()
    with left:
        st.markdown("Training loss")
        layout.chart(training.epoch_curves(events, "loss", "Loss"), key="live_loss", alt="Training loss by epoch")
    with right:
        st.markdown("Mean AUROC on validation patients")
        figure = training.epoch_curves(events, "val_auroc", "Mean AUROC", style.auroc_span)
        layout.chart(figure, key="live_auroc", alt="Validation AUROC by epoch")


def actions(run: Run) -> None:
    state = run.state
    with st.container(horizontal=True):
        if state.status == "done":
            # A callback and no st.rerun: a rerun that a page asks for itself can swallow a click on another page.
            st.button(
                "Open on every page",
                type="primary",
                icon=":material/open_in_full:",
                on_click=session.select_run,
                args=(run.id,),
            )
        if access.makes() and state.status != "unreadable":
            workbench.draw_actions(run)
        if run.shipped or not access.makes():
            return
        if state.active and st.button("Cancel", icon=":material/stop:"):
            making.act(access.current(), "cancel", run)
            st.rerun()
        if state.status in ("interrupted", "failed", "cancelled") and st.button("Resume", icon=":material/resume:"):
            making.act(access.current(), "resume", run)
            st.rerun()
        if not state.active:
            confirm_deletion(run)


def queue_health() -> None:
    """One line on the queue: quiet while all is well, an error where it stands still."""
    its = health()
    line = its.line(quoting=access.makes())
    if its.failing:
        layout.refused(f"{line} The operator sees more with: python -m cxrkd runs doctor")
    else:
        layout.notice(layout.literal(line))
    for name in its.unreadable:
        layout.notice(f"{layout.literal(name)} cannot be read; select it in the history to see why, or to delete it.")


def confirm_deletion(run: Run) -> None:
    # The key closes it with its run: left open it would ask about the next one.
    with st.popover("Delete", icon=":material/delete:", key=f"deleting_{run.id}"):
        st.markdown(f"This removes **{run.id}** with its weights and figures. It cannot be undone.")
        if st.button("Delete for good", type="primary", key=f"delete_{run.id}"):
            making.act(access.current(), "delete", run)
            session.current().followed_run_id = None
            st.rerun()


def followed(runs: list[Run]) -> Run | None:
    """The run picked in the history, else the one at work, else the newest of the visitor's own."""
    chosen = next((run for run in runs if run.id == session.current().followed_run_id), None)
    own = [run for run in runs if not run.shipped]
    return chosen or next((run for run in own if run.state.active), next(iter(own), None))


def history(runs: list[Run]) -> None:
    table = tables.runs_table(runs, run_figures.metrics)
    form = {name: st.column_config.NumberColumn(format="%.3f") for name in layout.MEMBER_TITLES}
    form["From"] = st.column_config.TextColumn(width=150)
    form["Status"] = st.column_config.TextColumn(width=95)
    form["When"] = st.column_config.DatetimeColumn(format="D MMM, HH:mm")
    picked = layout.table(
        table,
        column_order=HISTORY_COLUMNS,
        column_config=form,
        on_select="rerun",
        selection_mode="single-row",
        key="history",
    )
    rows = picked["selection"]["rows"]
    st.caption(
        "AUROC on test patients, mean of the findings that count in each run, and of seeds. Select a row to look at it."
    )
    if rows and runs[rows[0]].id != session.current().followed_run_id:
        session.current().followed_run_id = runs[rows[0]].id
        st.rerun()


def page() -> None:
    layout.frame(
        "Distil", "Train a small student to answer like a large teacher. It runs in the background; you can leave."
    )
    with layout.boundary():
        keep_going()
    runs = list_runs()
    run = followed(runs)
    makes = access.makes()
    if makes:
        opened = run is None or session.current().like_run_id is not None
        with st.expander("New run", expanded=opened, icon=":material/add:"):
            st.fragment(new_run)()
    else:
        layout.notice("This visit may look: runs are made, stopped and deleted by those with the role make.")
    if run is None:
        none = (
            "No run of your own yet. Fill in the form above and press Distil." if makes else "No run was made here yet."
        )
        layout.empty_state(none)
    else:
        with st.container(border=True):
            seen = statuses()
            working = any(status in ("queued", "running") for status in seen.values())
            st.fragment(live, run_every=POLL_S if working else None)(run.id, seen)
            with layout.boundary():
                actions(run)
    with layout.boundary():
        queue_health()
    if runs:
        st.header("History", anchor=False)
        history(runs)
    other_jobs.draw()


with layout.boundary():
    page()
