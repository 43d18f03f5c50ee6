"""What a study has come to: verdicts, charts, tables, and files to take home."""

from __future__ import annotations

import json
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from cxrkd.access.confine import confined
from cxrkd.config import READERS
from cxrkd.dashboard import layout, reports, tables
from cxrkd.dashboard.charts import study as charts
from cxrkd.jobs.asked import by_page
from cxrkd.names import file_name
from cxrkd.studies import tables as shown
from cxrkd.studies.figures import StudyFigures
from cxrkd.studies.study import Study
from cxrkd.studies.wording import RULE, n_seeds_remark, runs_gone, verdicts

HELP = "One page that opens anywhere, also offline, and prints well: verdicts, charts, tables, hashes, versions."

TEACHER: dict[str, ColumnConfig] = {"Teacher": st.column_config.TextColumn(width=230)}
"""Room for what tells teachers apart, which the browser would size by the first few rows."""


def show(study: Study, figures: StudyFigures) -> None:
    """All of it, as far as it is measured."""
    st.header(layout.literal(study.config.name), anchor=False)
    with st.container(border=True):
        for sentence in verdicts(figures):
            st.markdown(tables.minus(layout.literal(sentence)))
    phantoms = f"{layout.PHANTOM_RESULT} " if figures.phantoms else ""
    layout.notice(" ".join(filter(None, [phantoms.strip(), n_seeds_remark(figures), runs_gone(figures), RULE])))
    _problems(study, figures)
    _downloads(study, figures)
    with layout.boundary():
        st.header("What did distillation gain?", anchor=False)
        _gains(figures)
    with layout.boundary():
        st.header("Which network for which cost?", anchor=False)
        layout.chart(charts.front(figures), key="study_front", alt="AUROC of every network against its multiply-adds")
        networks = shown.networks_table(figures)
        if len(networks):
            layout.table(networks, height="content", key="study_networks")
            st.caption("MB as float16. Milliseconds of one film by PyTorch on one thread, when the study ended.")
    with layout.boundary():
        _maps(figures)


def settings(study: Study) -> str:
    """What was asked, as a file that `study` takes."""
    return json.dumps(study.config.model_dump(mode="json"), indent=1)


def tells(study: Study) -> bool:
    """Whether its errors quote nothing of a foreign file."""
    return by_page(study) or READERS[study.cells[0].config.data.kind].drawn


def _problems(study: Study, figures: StudyFigures) -> None:
    lacking = shown.problems(figures)
    if not lacking:
        return
    if tells(study):
        with st.expander(f"{len(lacking)} of {len(figures.cells)} cells lack figures"):
            for sentence in lacking:
                st.markdown(layout.literal(sentence))
    else:
        layout.notice(
            f"{len(lacking)} of {len(figures.cells)} cells lack figures; on the machine of this server "
            f"`python -m cxrkd study {layout.literal(study.id)}` says why."
        )


def _downloads(study: Study, figures: StudyFigures) -> None:
    stem = file_name(f"cxrkd-{study.id}", n_bytes=200)
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV",
            shown.csv(figures if tells(study) else figures.without_problems()),
            f"{stem}.csv",
            "text/csv",
            key="study_csv",
            on_click="ignore",
            icon=":material/download:",
        )
        if tells(study):
            st.download_button(
                "Settings as JSON",
                settings(study),
                f"{stem}-settings.json",
                "application/json",
                key="study_settings",
                on_click="ignore",
                icon=":material/download:",
                help="What `python -m cxrkd study FILE` does; under another name all of it is made anew.",
            )
    reports.offer(partial(_report, study, tells(study)), stem, key="study_report", note=HELP)


def _report(study: Study, with_problems: bool, ending: str) -> str:
    from cxrkd.report.study import study_report  # templates and charts, which only a report needs

    with confined():
        return study_report(study, with_problems=with_problems).text(ending)


def _gains(figures: StudyFigures) -> None:
    students = list(dict.fromkeys(cell.student for cell in figures.gains))
    for student in students:
        own = [cell for cell in figures.gains if cell.student == student]
        if len(students) > 1:
            st.markdown(f"**{layout.literal(student)}**")
        layout.chart(charts.gains(own), key=f"study_gains_{student}", alt="The gain of each cell with its interval")
        if len({cell.teacher for cell in own}) > 1 and len({cell.objective for cell in own}) > 1:
            st.caption("By teacher and objective, a star where a gain or a harm is shown.")
            layout.chart(charts.gain_map(own), key=f"gain_map_{student}", alt="Gain by teacher and objective")
    layout.table(_typeset(shown.gains_table(figures)), height="content", column_config=TEACHER, key="study_cells")


def _typeset(table: pd.DataFrame) -> pd.DataFrame:
    """The figures with true minus signs; what a cell is called may have hyphens of its own."""
    return table.assign(**{str(name): table[name].map(tables.minus) for name in table if name not in shown.AXES})


def _maps(figures: StudyFigures) -> None:
    maps = shown.columns_worth_showing(shown.maps_table(figures))
    if len(maps.columns) > len(shown.AXES):
        st.header("Where do students look?", anchor=False)
        layout.table(_typeset(maps), height="content", column_config=TEACHER, key="study_maps")
        st.caption(
            "From an audit of each run over the same test films, networks of the first seed. The Audit page shows each "
            "of them."
        )
