"""What no page waits for: it is made ready in the background, or before anybody asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import streamlit as st

from cxrkd.config import READERS, Member, RunConfig
from cxrkd.dashboard.access import films_of, served
from cxrkd.dashboard.background import in_background
from cxrkd.dashboard.caching import cohorts, loaded, run_figures, showcases
from cxrkd.dashboard.caching.rules import NETWORKS_KEPT, stamp
from cxrkd.data.cohort import Cohort
from cxrkd.images.apart import READING
from cxrkd.runs import Run
from cxrkd.runs.choosing import answering, finished_runs
from cxrkd.runs.run import list_own_runs, open_run
from cxrkd.runtime.compute import shared

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier
    from cxrkd.runs.estimate import Estimate

T = TypeVar("T")
MODULES = ("cxrkd.dashboard.explain.computing", "cxrkd.dashboard.explain.figures", "cxrkd.runs.stages")
"""Imported while the first page is read: what explains, and what guesses how long a run will take."""

PAGE_FIRST_S = 1.0
"""Head start of the page that is being drawn: importing torch would hold it up."""

GUESS_LASTS_S = 600.0
"""How long it is believed how long a run will take: the machine may have been busy when it was found out."""


@st.cache_resource(show_spinner=False)
def prepare_first_page() -> None:
    """Read what Overview shows first, before anybody has asked for it."""
    for run in finished_runs()[:1]:
        run_figures.metrics(run)
        kept, films = showcases.kept(run), films_of(run)
        if films and (kept is None or kept.look is None or kept.look.tones is None or kept.look.shipped):
            cohorts.table(films)


def warm() -> None:
    """Make ready, in the background and once for this server, what the first film will need."""
    if served():
        _warmed()


@st.cache_resource(show_spinner=False)
def _warmed() -> Future[None]:
    return in_background(_warm)


def _warm() -> None:
    """Load the networks of the run that pages show first and of the one that answers uploads; start what reads them."""
    time.sleep(PAGE_FIRST_S)
    READING.start()
    shared()
    runs = finished_runs()
    for run in runs[:1]:
        if films := films_of(run):
            cohorts.table(films)
    for run in [*runs[:1], *(answering(first, runs) for first in runs[:1])]:
        blank = np.zeros((1, 1, run.config.data.image_size, run.config.data.image_size), np.float32)
        for member in sorted(run.members(), key=lambda member: member == "alone"):
            loaded.torch_engine(run, member).predict(blank)
    for module in MODULES:
        import_module(module)


def choice(run: Run, member: Member, choose: Callable[[Run, Member, Classifier], T]) -> Future[T]:
    """What `choose` finds for a member, once for all visitors and in the background."""
    future: Future[T] = _choice(stamp(run.weights_path(member)), run, member, choose)
    return future


@st.cache_resource(max_entries=NETWORKS_KEPT, show_spinner=False)
def _choice(key: tuple[str, int], _run: Run, _member: Member, _choose: Callable[[Run, Member, Classifier], T]) -> Any:
    warm()  # first: comparing engines takes its time, and somebody may have a film already
    return in_background(lambda: _choose(_run, _member, loaded.model(_run, _member)))


def guessed_seconds(config: RunConfig) -> Future[Estimate]:
    """How long a run will take on this machine, and how that is known; no page waits for it.

    Asked again when a run is finished, which may tell more, and after a while: the machine may have been busy.
    """
    finished = tuple(run.id for run in list_own_runs() if run.state.status == "done")
    future: Future[Estimate] = _guessed_seconds((config.model_dump_json(exclude={"name"}), finished), config)
    return future


@st.cache_resource(max_entries=64, ttl=GUESS_LASTS_S, show_spinner=False)
def _guessed_seconds(key: tuple[str, tuple[str, ...]], _config: RunConfig) -> Any:
    return in_background(partial(_guess_seconds, _config), alone=False)


def _guess_seconds(config: RunConfig) -> Estimate:
    from cxrkd.runs.estimate import estimate
    from cxrkd.runs.stages import students

    if config.teacher_from is not None:
        teacher = open_run(config.teacher_from).config.teacher_arch
        config = config.model_copy(update={"teacher_arch": teacher})
    stages, data = [student.stage for student in students(config)], config.data
    counted = None if READERS[data.kind].size_without_reading(data) else _counted(cohorts.table(data))
    return estimate(config, stages, counted)


def _counted(cohort: Cohort) -> tuple[float, float]:
    """Images in all, and to train on."""
    return len(cohort), len(cohort.rows("train"))
