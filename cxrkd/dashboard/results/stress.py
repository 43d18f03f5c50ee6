"""What degraded films do to the answers of a run: the stored test, one that is at work, or how to make one."""

from __future__ import annotations

import shlex

import pandas as pd
import streamlit as st

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import access, beside, layout, tables
from cxrkd.dashboard.charts import stress as charts
from cxrkd.dashboard.charts.quality import Interval
from cxrkd.evaluate.stress import TOLERATED, StressMetrics, StressRow
from cxrkd.evaluate.wording import stress_sentence, stress_verdict
from cxrkd.images.stress import BY_NAME
from cxrkd.runs import Run
from cxrkd.runs.beside import FilmsAsked, asked_about, asked_before, finished
from cxrkd.runs.stressing.job import StressJob
from cxrkd.text import MISSING, mean_of, number, percent

WHY = (
    "A film comes through scanners, exports and messengers before it is uploaded. A stress test asks the networks "
    f"about the test films once more under {len(BY_NAME)} such changes."
)

MOVES, WHAT = ", probability moves", "What it is"


def draw(run: Run) -> None:
    """The newest stress test of the run, or the empty state that says how one is made."""
    tests = finished(StressJob, run)
    if tests:
        _results(_chosen(tests))
        return
    asked = asked_before(StressJob, FilmsAsked(**asked_about(run)))
    if asked is None or not beside.under_way(asked, "A stress test"):
        _offer(run)


def _chosen(tests: list[StressJob]) -> StressJob:
    if len(tests) == 1:
        return tests[0]
    by_id = {job.id: job for job in tests}
    return by_id[st.selectbox("Stress test", list(by_id), format_func=lambda i: f"{i}: {by_id[i].films_title}")]


def _results(job: StressJob) -> None:
    metrics = job.metrics()
    st.header("AUROC on degraded films", anchor=False)
    titles = [_title(name) for name in metrics.stresses]
    rows = {member: [_change(metrics.of(name)[member]) for name in metrics.stresses] for member in metrics.members}
    layout.chart(
        charts.changes(titles, rows, TOLERATED), key="stress", alt="Change of AUROC under each degradation and member"
    )
    st.caption(
        f"{mean_of(len(metrics.counted)).capitalize()}, {metrics.n} films ({layout.literal(job.films_title)}) of "
        f"{metrics.n_patients} patients; first seed of each member, paired by patient, 95 % interval. Right of the "
        f"dashed line at −{TOLERATED:g} a network holds."
    )
    table = stress_table(metrics)
    more = [WHAT, *(name for name in map(str, table) if name.endswith(MOVES))]
    form = {"Verdict": st.column_config.TextColumn(width=160)}
    layout.table(table.drop(columns=more), height="content", column_config=form, key="stress_table")
    layout.notice(" ".join(_sentence(metrics, member) for member in metrics.members))
    with st.expander("What each change is, and how far it moves probabilities"):
        layout.table(table.loc[1:, ["Films", *more]], height="content", key="stress_more")


def _title(name: str) -> str:
    return BY_NAME[name].title if name in BY_NAME else name


def _change(row: StressRow) -> Interval:
    return Interval(row.diff, row.low, row.high)


def _sentence(metrics: StressMetrics, member: str) -> str:
    return tables.minus(stress_sentence(metrics, member)).replace(member, layout.member_title(member), 1)


def stress_table(metrics: StressMetrics) -> pd.DataFrame:
    """A row a degradation: AUROC of each member, its change, how far probabilities moved, and the verdict."""
    clean: dict[str, object] = {"Films": "As they came"}
    clean |= {MEMBER_NAMES[one.member]: number(one.auroc) for one in metrics.clean}
    rows = [clean]
    for name in metrics.stresses:
        of = metrics.of(name)
        row: dict[str, object] = {"Films": _title(name)}
        for member, one in of.items():
            title = layout.member_title(member)
            row[title] = number(one.auroc)
            row[f"{title}, change"] = tables.with_interval(one.diff, one.low, one.high, sign=True)
            row[f"{title}{MOVES}"] = percent(one.change)
        verdict = stress_verdict(of)
        for member in of:
            verdict = verdict.replace(member, layout.member_title(member).lower())
        rows.append(row | {"Verdict": verdict, WHAT: BY_NAME[name].sentence if name in BY_NAME else MISSING})
    titles = [layout.member_title(member) for member in metrics.members]
    figures = [f"{title}{of}" for of in (", change", "", MOVES) for title in titles]
    return pd.DataFrame(rows).reindex(columns=["Films", "Verdict", *figures, WHAT])


def _offer(run: Run) -> None:
    missing, command = f"This run was not put under stress yet. {WHY}", f"evaluate {shlex.quote(run.id)} --stress"
    if beside.offered(run, missing, command, "Run the stress test", ":material/science:"):
        from cxrkd.dashboard.distill import making  # what makes runs is not imported to look at one

        making.queue_beside(access.current(), run, StressJob, FilmsAsked(**asked_about(run)))
        st.rerun()
