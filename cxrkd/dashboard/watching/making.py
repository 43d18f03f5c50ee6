"""Starting a watch, and going on with one, for a visitor: by role, bounded, recorded, confined to open folders."""

from __future__ import annotations

from cxrkd.access.bounds import Bounds
from cxrkd.access.folders import NOT_OPEN, admit, allowed_roots
from cxrkd.access.record import recording
from cxrkd.access.roles import Person
from cxrkd.errors import AccessError
from cxrkd.jobs.asked import mark_page
from cxrkd.runs import Run
from cxrkd.runs.beside import asked_about
from cxrkd.runs.choosing import choose_both
from cxrkd.runs.watching.job import WatchConfig, WatchJob, list_watches
from cxrkd.runs.watching.making import ready, start_apart, watch_of


def start(who: Person, run: Run, folder: str, *, force: bool) -> WatchJob:
    """Watch a folder by a run's teacher and student, in a process of its own.

    Raises:
        AccessError: the role, a bound, the folder or the record does not allow it.
        RunError: it is watched already, or the process ended at its start.
    """
    with recording(who, "watch", run.id) as note:
        who.require("make")
        Bounds.of().refuse_watches(_active())
        real = admit(folder)
        if not real.is_dir():
            raise AccessError(NOT_OPEN)
        members = tuple(choose_both(run))
        job = watch_of(WatchConfig(run=asked_about(run)["run"], members=members, folder=real, force=force))
        note.on = job.id
        return _started(job)


def go_on(who: Person, job: WatchJob) -> None:
    """Go on with a watch that was stopped.

    Raises:
        AccessError: as `start`.
        RunError: as `start`.
    """
    with recording(who, "watch", job.id):
        who.require("make")
        Bounds.of().refuse_watches(_active())
        admit(job.config.folder)
        asked = job.config.model_copy(update={"once": False})
        _started(ready(job, asked))


def _started(job: WatchJob) -> WatchJob:
    mark_page(job, allowed_roots())
    start_apart(job)
    return job


def _active() -> int:
    return sum(job.state.active for job in list_watches())
