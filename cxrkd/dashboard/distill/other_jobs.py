"""Jobs of other kinds than distillation: they wait in the same queue, so they are listed where it is watched."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cxrkd.dashboard import layout
from cxrkd.dashboard.tables import local_time
from cxrkd.jobs.job import Job, list_own_jobs
from cxrkd.runs import Run
from cxrkd.text import duration


def other_jobs() -> list[Job]:
    """Every job of this machine that is no run; what ships never waited here.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    return [job for job in list_own_jobs() if not isinstance(job, Run)]


def jobs_table(jobs: Sequence[Job]) -> pd.DataFrame:
    """One row a job of any kind: what it is and where it stands."""
    return pd.DataFrame([_row(job) for job in jobs])


def draw() -> None:
    """The table, and nothing where there is no such job."""
    jobs = other_jobs()
    if jobs:
        st.header("Other jobs", anchor=False)
        when = st.column_config.DatetimeColumn(format="D MMM, HH:mm")
        layout.table(jobs_table(jobs), column_config={"When": when}, key="other_jobs")


def _row(job: Job) -> dict[str, object]:
    state = job.state
    ended = state.finished or state.started
    return {
        "Job": job.id,
        "Kind": job.kind.title if job.kind else None,
        "Status": state.status,
        "Progress": f"{state.progress:.0%}",
        "Took": duration(state.seconds) if state.seconds is not None else None,
        "When": local_time(ended),
    }
