"""The only `st.cache_*` calls. Keys are file paths with their times, config text and content hashes, never models.

What is computed from an upload is kept per session and leaves with it. Models, engines and predictions are shared by
all visitors; all of them are only ever read.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import streamlit as st

from cxrkd.access import folders
from cxrkd.access.confine import confined
from cxrkd.answers.verdict import Standing
from cxrkd.config import READERS, DataConfig, Member, RunConfig
from cxrkd.dashboard.access import films_of, images_here, served
from cxrkd.dashboard.background import in_background
from cxrkd.data import load_cohort
from cxrkd.data.cohort import Cohort, Split
from cxrkd.errors import AccessError
from cxrkd.evaluate import PairedDifference, paired_difference
from cxrkd.images.apart import READING
from cxrkd.images.film import Film
from cxrkd.jobs.job import SHIPPED
from cxrkd.runs import Run
from cxrkd.runs.beside import FIGURES
from cxrkd.runs.choosing import answering, finished_runs
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runs.predictions import Predictions
from cxrkd.runs.reference import FILE as REFERENCE
from cxrkd.runs.reference import read_reference
from cxrkd.runs.run import list_own_runs, open_run
from cxrkd.runs.showcase import FILE as SHOWCASE
from cxrkd.runs.showcase import FilmOf, Showcase, make_showcase, read_showcase
from cxrkd.runs.standing import standing_from
from cxrkd.runtime.compute import THREADS, shared

if TYPE_CHECKING:  # networks are imported where one is asked for: a page that shows figures does not wait for them
    from cxrkd.cost.complexity import Complexity
    from cxrkd.explain.baselines import Twins
    from cxrkd.explain.yardsticks import Reference
    from cxrkd.export.bundle import Bundle
    from cxrkd.models.classifier import Classifier
    from cxrkd.report.cell_pictures import Shelf
    from cxrkd.runs.auditing.cells import Cells
    from cxrkd.runs.auditing.job import AuditJob
    from cxrkd.runs.estimate import Estimate
    from cxrkd.runtime.protocol import Engine

T = TypeVar("T")
KeptKind = Literal["answers", "explanations", "pieces", "squares"]
LIMITS: dict[KeptKind, int] = {"answers": 4096, "explanations": 24, "pieces": 512, "squares": 3}
"""How many of a kind are kept for a visitor: an answer is a few numbers of one member, an explanation up to 1 MB, a
piece of one some ten kilobytes, the square of a film for the eye 4 MB."""

AHEAD = ("cxrkd.dashboard.explain.computing", "cxrkd.dashboard.explain.figures", "cxrkd.runs.stages")
"""Imported while the first page is read: what explains, and what guesses how long a run will take."""

PAGE_FIRST_S = 1.0
"""Head start of the page that is being drawn: importing torch would hold it up."""

GUESS_LASTS_S = 600.0
"""How long it is believed how long a run will take: the machine may have been busy when it was found out."""

OWN = 6
KEPT = len(list(SHIPPED.glob("*/models/*.safetensors"))) + OWN
"""Networks in memory: all that ship, which any visitor may ask in any order, and a few of the runs made here."""


def stamp(path: Path) -> tuple[str, int]:
    """A key that changes when the file is written again; time 0 where there is none."""
    return str(path), path.stat().st_mtime_ns if path.exists() else 0


def metrics(run: Run, labels: Sequence[str] = ()) -> RunMetrics:
    """The figures of a run; see `Run.metrics`. With `labels` they are computed again for these alone."""
    key = stamp(run.path / "metrics.json")
    return _metrics_of(key, tuple(labels), run) if labels else _metrics(key, run)


@st.cache_resource(max_entries=16, show_spinner=False)
def _metrics(key: tuple[str, int], _run: Run) -> RunMetrics:
    return _run.metrics()


@st.cache_resource(max_entries=32, show_spinner="Computing the figures of these findings")
def _metrics_of(key: tuple[str, int], labels: tuple[str, ...], _run: Run) -> RunMetrics:
    return _run.measure(labels)


def predictions(run: Run, member: Member, split: Split = "test") -> Predictions:
    """A member's logits on held-out images; see `Run.predictions`."""
    return _predictions(stamp(run.path / "metrics.json"), member, split, run)


@st.cache_resource(max_entries=2 * KEPT, show_spinner="Reading predictions")
def _predictions(key: tuple[str, int], member: Member, split: Split, _run: Run) -> Predictions:
    return _run.predictions(member, split)


def standings(run: Run, members: Sequence[Member]) -> dict[Member, Standing]:
    """How far each of the members can be relied on, label by label."""
    return {member: _standing(stamp(run.path / "metrics.json"), member, run) for member in members}


@st.cache_resource(max_entries=16, show_spinner=False)
def _standing(key: tuple[str, int], member: Member, _run: Run) -> Standing:
    return standing_from(metrics(_run).of(member), predictions(_run, member, "val"))


def model(run: Run, member: Member) -> Classifier:
    """A member's network, in evaluation mode; explain it without hooks only, it is shared."""
    return _model(stamp(run.weights_path(member)), run, member)


@st.cache_resource(max_entries=KEPT, show_spinner="Loading the models")
def _model(key: tuple[str, int], _run: Run, _member: Member) -> Classifier:
    return _run.load_model(_member)


def choice(run: Run, member: Member, choose: Callable[[Run, Member, Classifier], T]) -> Future[T]:
    """What `choose` finds for a member, once for all visitors and in the background."""
    future: Future[T] = _choice(stamp(run.weights_path(member)), run, member, choose)
    return future


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _choice(key: tuple[str, int], _run: Run, _member: Member, _choose: Callable[[Run, Member, Classifier], T]) -> Any:
    warm()  # first: comparing engines takes its time, and somebody may have a film already
    return in_background(lambda: _choose(_run, _member, model(_run, _member)))


@st.cache_resource(show_spinner=False)
def prepare_first_page() -> None:
    """Read what Overview shows first, before anybody has asked for it."""
    for run in finished_runs()[:1]:
        metrics(run)
        kept, films = showcase(run), films_of(run)
        if films and (kept is None or kept.look is None or kept.look.tones is None or kept.look.shipped):
            table(films)


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
            table(films)
    for run in [*runs[:1], *(answering(first, runs) for first in runs[:1])]:
        blank = np.zeros((1, 1, run.config.data.image_size, run.config.data.image_size), np.float32)
        for member in sorted(run.members(), key=lambda member: member == "alone"):
            torch_engine(run, member).predict(blank)
    for module in AHEAD:
        import_module(module)


def torch_engine(run: Run, member: Member) -> Engine:
    """PyTorch, which needs no preparation."""
    return _torch_engine(stamp(run.weights_path(member)), run, member)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _torch_engine(key: tuple[str, int], _run: Run, _member: Member) -> Engine:
    from cxrkd.runtime.select import build_engine

    return build_engine(model(_run, _member), "pytorch", threads=THREADS)


def complexities(run: Run) -> dict[Member, Complexity]:
    """Parameters, MACs and size of every member."""
    return {member: complexity(run, member) for member in run.members()}


def complexity(run: Run, member: Member) -> Complexity:
    """Parameters, MACs and size of a member: as the run keeps them, else counted now."""
    known = showcase(run)
    if known is not None and member in known.costs:
        return known.costs[member]
    return _complexity(stamp(run.weights_path(member)), run, member)


@st.cache_resource(max_entries=16, show_spinner="Counting parameters and multiply-adds")
def _complexity(key: tuple[str, int], _run: Run, _member: Member) -> Complexity:
    from cxrkd.cost.count import count

    return count(model(_run, _member))


def showcase(run: Run) -> Showcase | None:
    """What the run keeps for the first look at it; None where it keeps nothing that is of these weights."""
    weights = tuple(stamp(run.weights_path(member)) for member in run.members())
    return _showcase((stamp(run.path / SHOWCASE), *weights), run)


@st.cache_resource(max_entries=16, show_spinner=False)
def _showcase(key: tuple[tuple[str, int], ...], _run: Run) -> Showcase | None:
    return read_showcase(_run)


def made_showcase(run: Run, film_of: FilmOf) -> Showcase:
    """The same of a run that keeps none, computed now."""
    return _made_showcase(tuple(stamp(run.weights_path(member)) for member in run.members()), run, film_of)


@st.cache_resource(max_entries=16, show_spinner=False)
def _made_showcase(key: tuple[tuple[str, int], ...], _run: Run, _film_of: FilmOf) -> Showcase:
    return make_showcase(_run, _film_of, lambda member: model(_run, member))


def table(config: DataConfig) -> Cohort:
    """What a cohort holds, without its pixels.

    Raises:
        AccessError: its folder is not open to pages.
    """
    if not folders.is_open(config):
        raise AccessError(folders.NOT_OPEN)
    return _table(config.model_dump_json(), config)


@st.cache_resource(max_entries=4, show_spinner="Reading the data set's table")
def _table(key: str, _config: DataConfig) -> Cohort:
    with confined():
        return load_cohort(_config)


def film(config: DataConfig, row: int, size: int) -> Film:
    """One image of a cohort with its labels and lesion masks, at a size of choice."""
    return _film(config.model_dump_json(), row, size, config)


@st.cache_resource(max_entries=256, show_spinner=False)
def _film(key: str, row: int, size: int, _config: DataConfig) -> Film:
    with confined():
        return table(_config).film(row, size)


def training_views(config: RunConfig, rows: tuple[int, ...], look: int) -> np.ndarray:
    """Some films of the run's data set as its students would see them; see `preview`.

    Raises:
        DataError: a file is gone or cannot be read.
        AccessError: the folder of the data is not open to pages.
    """
    side, cohort = config.student_works_at, table(config.data)  # which refuses before what is kept is looked up
    key = (config.data.model_dump_json(), config.student_train.model_dump_json(), side, rows, look)
    views: np.ndarray = _training_views(key, cohort, config)
    return views


@st.cache_resource(max_entries=8, show_spinner="Reading some films")
def _training_views(key: tuple[str, str, int, tuple[int, ...], int], _cohort: Cohort, _config: RunConfig) -> Any:
    from cxrkd.train.preview import preview

    _, _, side, rows, look = key
    with confined():
        return preview(_cohort, np.array(rows), _config.student_train, side, look)


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
    counted = None if READERS[data.kind].size_without_reading(data) else _counted(table(data))
    return estimate(config, stages, counted)


def _counted(cohort: Cohort) -> tuple[float, float]:
    """Images in all, and to train on."""
    return len(cohort), len(cohort.rows("train"))


def difference(
    run_a: Run, member_a: Member, run_b: Run, member_b: Member, labels: Sequence[str]
) -> PairedDifference | None:
    """AUROC of one member minus another's, of `labels` and their mean; None where the tested images differ."""
    keys = (stamp(run_a.path / "metrics.json"), member_a, stamp(run_b.path / "metrics.json"), member_b)
    return _difference(keys, tuple(labels), run_a, run_b)


@st.cache_resource(max_entries=16, show_spinner="Comparing patient by patient")
def _difference(
    keys: tuple[tuple[str, int], Member, tuple[str, int], Member], labels: tuple[str, ...], _run_a: Run, _run_b: Run
) -> PairedDifference | None:
    a, b = predictions(_run_a, keys[1]), predictions(_run_b, keys[3])
    if not np.array_equal(a.ids, b.ids) or _run_a.config.data != _run_b.config.data or _run_a.labels != _run_b.labels:
        return None
    columns = [_run_a.labels.index(label) for label in labels]
    a, b = a.of(columns), b.of(columns)
    return paired_difference(a.logits, b.logits, a.targets, a.patients, labels)


def audit_cells(job: AuditJob, student: Member) -> Cells:
    """Films and findings of an audit, one by one; see `cells_of`."""
    return _audit_cells(stamp(job.path / FIGURES), student, job)


@st.cache_resource(max_entries=8, show_spinner="Comparing maps film by film")
def _audit_cells(key: tuple[str, int], student: Member, _job: AuditJob) -> Cells:
    from cxrkd.runs.auditing.cells import cells_of

    return cells_of(_job, student)


def audit_gallery(job: AuditJob, student: Member) -> Shelf:
    """Cells of an audit worth a look, on the films that pages may show; see `shelf`."""
    return _audit_gallery(stamp(job.path / FIGURES), student, images_here(job.data), job)


@st.cache_resource(max_entries=8, show_spinner="Drawing the cells worth a look")
def _audit_gallery(key: tuple[str, int], student: Member, here: bool, _job: AuditJob) -> Shelf:
    from cxrkd.report.cell_pictures import shelf
    from cxrkd.runs.auditing.at_hand import FilmsAtHand

    with confined():
        return shelf(_job, student, audit_cells(_job, student), FilmsAtHand(_job, lambda data: here, table))


def references(run: Run, method: str) -> dict[Member, Reference]:
    """What the run keeps about maps of other films; see `read_reference`."""
    return _references(stamp(run.path / REFERENCE), method, run)


@st.cache_resource(max_entries=8, show_spinner=False)
def _references(key: tuple[str, int], method: str, _run: Run) -> dict[Member, Reference]:
    return read_reference(_run, method)


@st.cache_resource(max_entries=1, show_spinner=False)
def twins() -> Twins:
    """Random students, which hang on no film and no visitor: those of two kinds of students."""
    from cxrkd.explain.baselines import N_RANDOM, Twins

    return Twins(2 * N_RANDOM)


def exported(run: Run, member: Member, target: str) -> Bundle:
    """A member's network in the form of a target, checked on films that pages may read; see `bundle`."""
    return _exported((stamp(run.weights_path(member)), stamp(run.path / "metrics.json")), target, run, member)


@st.cache_resource(max_entries=3, show_spinner=False)  # each is as large as its network
def _exported(key: tuple[tuple[str, int], tuple[str, int]], target: str, _run: Run, _member: Member) -> Bundle:
    from cxrkd.export.bundle import bundle, require_exportable
    from cxrkd.export.films import check_films
    from cxrkd.export.target import TARGETS

    with confined():
        require_exportable(_run, _member)
        return bundle(_run, _member, TARGETS[target], check_films(_run, may_read=images_here))


class Kept:
    """What was computed for one visitor; what was not asked for longest goes first. Any thread may put results there.

    Args:
        limit: how many results.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Any:
        """The result; None where it was never put here, or is gone."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: Hashable, value: object) -> None:
        """Keep a result, which nobody changes any more."""
        with self._lock:
            self._results[key] = value
            while len(self._results) > self._limit:
                self._results.popitem(last=False)


@st.cache_resource(scope="session", max_entries=len(LIMITS), show_spinner=False)
def kept(kind: KeptKind) -> Kept:
    """What was computed for this visitor, gone with the tab."""
    return Kept(LIMITS[kind])
