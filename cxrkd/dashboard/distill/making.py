"""Every act of a page that changes something: allowed by role, bounded, done, and recorded with its outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from cxrkd.access.bounds import Bounds
from cxrkd.access.confine import confined
from cxrkd.access.folders import admit_data, allowed_roots, folder_of
from cxrkd.access.record import recording
from cxrkd.access.roles import Person
from cxrkd.config import RunConfig
from cxrkd.data import cohort_size
from cxrkd.errors import AccessError, ConfigError, RunError
from cxrkd.jobs.asked import mark_page
from cxrkd.jobs.job import Job, list_own_jobs
from cxrkd.jobs.queue import cancel, delete, resume
from cxrkd.runs import Run, create, list_runs
from cxrkd.runs.beside import BesideRun, FilmsAsked, create_beside
from cxrkd.runs.describing import describe
from cxrkd.runs.refusing import able_to_start, settle
from cxrkd.studies.config import StudyConfig
from cxrkd.studies.grid import grid
from cxrkd.studies.study import Study, create_study

T = TypeVar("T")
J = TypeVar("J", bound=Job)
B = TypeVar("B", bound="BesideRun[Any]")
_ONE_AT_A_TIME = threading.Lock()  # so that two visitors do not take the last place of the queue
ACTS: dict[str, Callable[[Job], object]] = {"cancel": cancel, "resume": resume, "delete": delete}
"""What a page does to a job that is there."""


def act(who: Person, what: str, job: Job) -> None:
    """Cancel, resume or delete a run, or a job of another kind.

    Raises:
        AccessError: the role does not allow it, the queue is full, or the record cannot be written.
        RunError: it is shipped, or in the wrong state.
    """
    with recording(who, what, job.id), _ONE_AT_A_TIME:
        who.require("make")
        if what == "resume":
            Bounds.of().refuse_queue(_active())
        ACTS[what](job)


def describe_run(who: Person, run: Run, name: str, note: str) -> None:
    """Call a run something else, or note something on it.

    Raises:
        AccessError: the role does not allow it, or the record cannot be written.
        ConfigError: the name is empty, or a text too long.
        RunError: the run is shipped, gone or unreadable.
    """
    with recording(who, "describe", run.id), _ONE_AT_A_TIME:
        who.require("make")
        describe(run, name=None if name.strip() == run.name else name, note=note)


def queue_run(who: Person, config: RunConfig) -> Run:
    """Make and queue the run that a form describes.

    Args:
        who: asks.
        config: what for.

    Raises:
        AccessError: the role, a bound, a folder or the record does not allow it.
        CxrkdError: what `create` refuses; nothing that was read in the data's folder is in the sentence.
    """
    with recording(who, "queue", config.name) as note, _ONE_AT_A_TIME:
        who.require("make")
        ready = _bounded(config)
        with confined():
            asked = _unnamed(lambda: settle(ready))
            Bounds.of().refuse_images(asked.config.data, asked.images[0])
            run = create(asked)
        note.on = run.id
        return _marked(run)


def queue_beside(who: Person, run: Run, kind: type[B], asked: FilmsAsked) -> B:
    """Make and queue a job that asks a run about its own test films.

    Args:
        who: asks for it.
        run: finished.
        kind: class of the job.
        asked: about the run's own films.

    Raises:
        AccessError: the role, a bound, a folder or the record does not allow it.
        CxrkdError: the run has no networks, or its films are not here.
    """
    with recording(who, "queue", f"{run.id} {kind.KIND}") as note, _ONE_AT_A_TIME:
        who.require("make")
        bounds = Bounds.of()
        bounds.refuse_queue(_active())
        admit_data(run.config.data)
        with confined():
            bounds.refuse_images(run.config.data, cohort_size(run.config.data)[0])
            job = create_beside(kind, run, asked)
        note.on = job.id
        return _marked(job)


def queue_study(who: Person, config: StudyConfig) -> Study:
    """Make and queue the study that a form describes.

    Args:
        who: asks.
        config: what for.

    Raises:
        AccessError: the role, a bound, a folder or the record does not allow it.
        CxrkdError: what one of its runs would be refused for; nothing that was read in the data's folder is in the
            sentence.
    """
    with recording(who, "queue", config.name) as note, _ONE_AT_A_TIME:
        who.require("make")
        bounds, cells = Bounds.of(), grid(config)
        bounds.refuse_cells(len(cells))
        bounded = [_bounded(cell.config) for cell in cells]
        with confined():
            for one in bounded:
                bounds.refuse_images(one.data, _unnamed(partial(settle, one)).images[0])
            admitted = bounded[0].data.model_dump(mode="json")
            study = create_study(config.model_copy(update={"base": config.base | {"data": admitted}}))
        note.on = study.id
        return _marked(study)


def _marked(job: J) -> J:
    """Queue a job that was just made, marked as asked for by a page; without its mark it is none, and goes."""
    try:
        mark_page(job, allowed_roots())
    except RunError:
        delete(job)  # without its mark it would be read as the operator's own
        raise
    return resume(job)


def _bounded(config: RunConfig) -> RunConfig:
    bounds = Bounds.of()
    bounds.refuse_queue(_active())
    bounds.refuse_beyond(config)
    known = {run.id for run in list_runs()}
    for source in (config.teacher_from, config.student_from):
        if source is not None and source not in known:  # elsewhere a path would do
            raise AccessError("Expected a finished run of this machine to start from. Choose one of the list.")
    return config.model_copy(update={"data": admit_data(config.data)})


def refuse_start(config: RunConfig) -> None:
    """Refuse what would stop the run that a form describes, as far as is known without reading its data.

    Raises:
        AccessError: a bound or a folder does not allow it.
        CxrkdError: what it starts from does not, or its networks.
    """
    ready = _bounded(config)
    with confined():
        _unnamed(lambda: able_to_start(ready))


def _unnamed(work: Callable[[], T]) -> T:
    """What `work` gives; a refusal that names the folder of another run's data does not."""
    try:
        return work()
    except (ConfigError, RunError) as error:
        message = str(error)
        for run in list_runs():
            message = message.replace(_folder_text(run), "its folder")
        raise type(error)(message) from None


def _folder_text(run: Run) -> str:
    try:
        data = run.config.data
    except RunError:
        return "\0"
    return str(folder_of(data) or "\0")


def _active() -> int:
    """Jobs of any kind in the queue."""
    return sum(map(_is_active, list_own_jobs()))


def _is_active(job: Job) -> bool:
    try:
        return job.state.active
    except RunError:  # damaged, or being deleted
        return False
