"""Asking for a study: a small grid over the settings of a run, or a study as YAML."""

from __future__ import annotations

import streamlit as st

from cxrkd.config import OBJECTIVES
from cxrkd.dashboard import layout
from cxrkd.dashboard.distill.widgets import parse_seeds
from cxrkd.errors import AccessError
from cxrkd.models.network import Role, network_title
from cxrkd.models.zoo import list_archs
from cxrkd.runs import Run, list_runs
from cxrkd.studies.config import StudyConfig
from cxrkd.studies.example import EXAMPLE
from cxrkd.studies.reading import parse_study, settings_of_run, study_of

MOST_CHARACTERS = 20_000


def study(run: Run | None) -> StudyConfig | None:
    """The study that was asked for just now; None where none was.

    Args:
        run: whose data and training settings a small grid takes over; without one a study can be written.

    Raises:
        ConfigError: what was entered is no study; says why.
        AccessError: it is based on what is no run of this machine.
    """
    ways = ("Choose", "As YAML")
    if run is None or layout.choose("How", ways, ways[0], key="study_how") == ways[1]:
        return _written()
    return _chosen(run)


def _chosen(run: Run) -> StudyConfig | None:
    config = run.config
    st.caption(
        f"Films and training are those of {layout.literal(layout.run_title(run))}; choose another run in the sidebar. "
        "Each teacher and each student alone is trained once; what is there already is taken as it is."
    )
    with st.form("study_form", border=True):
        name = st.text_input("Name", "which teacher", max_chars=60, key="study_name")
        teachers = st.multiselect(
            "Teachers",
            _networks("teacher", config.teacher_arch),
            [config.teacher_arch],
            format_func=network_title,
            key="study_teachers",
        )
        students = st.multiselect(
            "Students",
            _networks("student", config.student_arch),
            [config.student_arch],
            format_func=network_title,
            key="study_students",
        )
        titles = {name: entry.title for name, entry in OBJECTIVES.items()}
        objectives = st.multiselect(
            "Objectives", list(titles), list(titles)[:2], format_func=lambda one: titles[one], key="study_objectives"
        )
        seeds = st.text_input("Seeds", "0, 1, 2", key="study_seeds", help="Three or more are needed to claim a gain.")
        films = st.number_input(
            "Films explained, at most", 0, 100_000, 64, 16, key="study_films", help="Of each cell; 0 for none."
        )
        if not st.form_submit_button("Start the study", type="primary", icon=":material/grid_on:"):
            return None
    grid = {"teachers": teachers, "students": students, "objectives": [_entry(run, one) for one in objectives]}
    whole = {"name": name, "base": settings_of_run(run), **grid, "seeds": parse_seeds(seeds), "films": films}
    return study_of(whole)


def _networks(role: Role, own: str) -> list[str]:
    """Those that are offered, with the run's own, which may be several that answer together."""
    return list(dict.fromkeys([own, *list_archs(role)]))


def _entry(run: Run, name: str) -> dict[str, object]:
    """An objective that looks at more than cached answers is asked about the view that the student sees."""
    entry = OBJECTIVES[name]
    needs = bool(entry.needs) or bool(run.config.student_train.changes)
    return {"name": name, "view": "same"} if needs else {"name": name}


def _written() -> StudyConfig | None:
    with st.form("study_yaml_form", border=True):
        text = st.text_area("A study as YAML", EXAMPLE, height=260, max_chars=MOST_CHARACTERS, key="study_yaml")
        if not st.form_submit_button("Start the study", type="primary", icon=":material/grid_on:"):
            return None
    return parse_study(text.encode(), "The text", _known_run)


def _known_run(name: str) -> Run:
    """A run by its id; elsewhere a path would do."""
    run = next((run for run in list_runs() if run.id == name), None)
    if run is None:
        raise AccessError("Expected the id of a run of this machine as base. The Distil page lists them.")
    return run
