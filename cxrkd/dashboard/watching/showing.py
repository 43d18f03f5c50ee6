"""What a watch has come to: alarms, disagreements on top, figures that run along, and what was not answered.

A film goes by the name of its file only where pages may read its folder; elsewhere by the hash of its pixels.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import pandas as pd
import streamlit as st

from cxrkd.access.folders import admit
from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import layout, tiles
from cxrkd.dashboard.charts import watching as charts
from cxrkd.errors import AccessError, RunError
from cxrkd.images.film import SHORT
from cxrkd.labels import display_name
from cxrkd.runs.choosing import warning_for
from cxrkd.runs.watching.job import WatchJob
from cxrkd.runs.watching.store import FilmRow, PassedOver, Store, Totals, films_of
from cxrkd.runs.watching.wording import alarm, passed_over
from cxrkd.text import duration, minus, number, percent

LATEST, WORST, NOT_ANSWERED = 200, 10, 50
SILENT_S = 30.0
"""A watch that has not looked for so long is not well; a look over a slow network takes some seconds."""
AGREE = "Findings of a film that both networks can call, and call the same. They differ on {n:,} films."
TIMES = (
    "From the first sight of a file until it was answered, with the pause that shows that it is whole; below, the time "
    "in the networks. Medians of the last {n} films."
)
CLOCK = "D MMM, HH:mm:ss"
TWO_LINES_PX = 56
"""Of a row whose sentences are broken rather than cut."""


def show(job: WatchJob) -> None:
    """Everything of one watch, as it is now."""
    shows_names = folder_is_open(job)
    state_line(job)
    try:
        store = films_of(job.path)
    except RunError as error:
        layout.refused(error)
        return
    if store is None:
        return
    with store:
        _of_store(job, store, shows_names)


def _of_store(job: WatchJob, store: Store, shows_names: bool) -> None:
    totals, latest = store.totals(), store.latest(LATEST)
    warn(job)
    if not totals.films:
        layout.notice("No film has come yet.")
    else:
        alarms(store, totals, shows_names)
        figures(totals, latest)
        st.header("Where they differ", anchor=False)
        worst = store.worst(WORST)
        if worst:
            layout.table(film_table(worst, shows_names), column_config=_columns(), height="content", key="watch_worst")
        else:
            layout.notice("On no film so far: all calls of teacher and student are the same.")
        run_along(latest, shows_names)
        st.header("Latest", anchor=False)
        layout.table(film_table(latest[:20], shows_names), column_config=_columns(), key="watch_latest")
    if totals.flagged or totals.refused:
        with st.expander(f"Not answered: {passed_over(totals)}", key="watch_not_answered"):
            table = reason_table(store.not_answered(NOT_ANSWERED), shows_names)
            columns = _columns() | {"Why": st.column_config.TextColumn(width="large")}
            layout.table(table, column_config=columns, height="content", row_height=TWO_LINES_PX, key="watch_reasons")
    elif totals.duplicates:
        layout.notice(f"Not answered again: {passed_over(totals)}.")


def folder_is_open(job: WatchJob) -> bool:
    """Whether pages may read, and so name, the folder and what lies in it."""
    try:
        return admit(job.config.folder) == job.config.folder
    except (AccessError, RunError):
        return False


def state_line(job: WatchJob) -> None:
    """Whether it looks, when it last did, and whether its folder is there."""
    state, now = job.state, job.now()
    since = max(0.0, time.time() - float(now.get("t", time.time())))
    if state.status != "running":
        layout.notice(f"Nobody watches now ({state.status}). What was answered stays.")
    elif not now:
        layout.notice("Loading the networks.")
    elif now.get("gone"):
        st.warning("The folder is gone. Its films are answered when it is back.", icon=":material/folder_off:")
    elif since > SILENT_S:
        st.warning(f"It has not looked for {duration(since)}: the folder or this machine is slow.")
    else:
        waiting = int(now.get("waiting", 0))
        st.caption(f":material/visibility: Watching; {waiting:,} {'file waits' if waiting == 1 else 'files wait'}.")


def warn(job: WatchJob) -> None:
    """What has to be said beside answers of the run."""
    try:
        sentence = warning_for(job.run(), real=True)
    except RunError:
        return
    if sentence:
        st.warning(sentence, icon=":material/warning:")


def alarms(store: Store, totals: Totals, shows_names: bool) -> None:
    """The line that says that a finding is called, of the last such film."""
    rows = store.alarms(1)
    if not rows:
        return
    (row,) = rows
    when = time.strftime("%H:%M:%S", time.localtime(row.answered))
    calling = f"A finding is called on {totals.calling:,} of {totals.films:,} films. The last, at {when}"
    st.error(layout.literal(f"{calling}: {named(row, shows_names)}. {_in_words(row)}"), icon=":material/notifications:")


def figures(totals: Totals, latest: Sequence[FilmRow]) -> None:
    """Counts and medians as tiles."""
    waited, asked = (median(values) for values in zip(*((r.waited_s, r.asked_ms) for r in latest), strict=True))
    agreed = percent(totals.agreed / totals.judged) if totals.judged else "–"
    cells = st.grid(4, min_column_width=190)
    with cells.cell():
        tiles.figure("Films", f"{totals.films:,}", passed_over(totals) or "every file answered")
    with cells.cell():
        tiles.figure("Calls that agree", agreed, f"of {totals.judged:,}", help=AGREE.format(n=totals.differing))
    with cells.cell():
        tiles.figure("Largest difference", minus(number(totals.largest)), "of a probability", help="Over all films.")
    with cells.cell():
        tiles.figure("Answered after", f"{waited:.1f} s", f"{asked:.0f} ms asked", help=TIMES.format(n=len(latest)))


def run_along(latest: Sequence[FilmRow], shows_names: bool) -> None:
    """How far the networks are apart, and how long answers take, over the last films."""
    rows = list(reversed(latest))
    names = [named(row, shows_names) for row in rows]
    left, right = layout.side_by_side()
    with left:
        layout.chart(charts.differences(rows, names), key="watch_differences", alt="Largest difference on each film")
    with right:
        layout.chart(charts.latency(rows, names), key="watch_latency", alt="Seconds until each film was answered")


def film_table(rows: Sequence[FilmRow], shows_names: bool) -> pd.DataFrame:
    """A row a film: when, which, what each network calls, how many calls differ, and where they are farthest apart."""
    return pd.DataFrame(
        [
            {
                "When": pd.Timestamp.fromtimestamp(row.answered),
                "Film": named(row, shows_names),
                **{title: _calls(row, member) for member, title in MEMBER_NAMES.items() if member in row.called},
                "Calls that differ": row.comparison.judged - row.comparison.agreed,
                "Largest difference": row.comparison.largest,
                "On": display_name(row.comparison.label) if row.comparison.label else None,
            }
            for row in rows
        ]
    )


def reason_table(rows: Sequence[PassedOver], shows_names: bool) -> pd.DataFrame:
    """A row a file that was not answered."""
    table = [
        {"When": pd.Timestamp.fromtimestamp(row.settled), "File": row.name if shows_names else None, "Why": row.reason}
        for row in rows
    ]
    return pd.DataFrame(table).dropna(axis="columns", how="all")


def named(row: FilmRow, shows_names: bool) -> str:
    """What a film is called: its file below an open folder, else the hash of its pixels."""
    return row.name if shows_names else row.digest[:SHORT]


def _calls(row: FilmRow, member: str) -> str:
    """The findings that a network calls on a film."""
    return ", ".join(map(display_name, row.called[member])) or "none"


def _in_words(row: FilmRow) -> str:
    text = alarm(row)
    for member, title in MEMBER_NAMES.items():
        text = text.replace(f"{member}: ", f"{title}: ")
    return f"{text[:1].upper()}{text[1:]}."


def _columns() -> dict[str, object]:
    return {
        "When": st.column_config.DatetimeColumn(format=CLOCK),
        "Calls that differ": st.column_config.NumberColumn("Calls differ"),
        "Largest difference": st.column_config.NumberColumn(format="%.3f"),
    }
