"""Making, queueing, stopping and deleting jobs. One worker process at a time executes what is queued."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cxrkd.errors import RunError
from cxrkd.jobs.events import EVENTS, append_event
from cxrkd.jobs.files import write_json
from cxrkd.jobs.folders import making, move, put_away, remove, settle, sweep
from cxrkd.jobs.job import DISTILLATION, KINDS, Job, list_own_jobs, own_jobs, write_kind
from cxrkd.jobs.launch import ensure_worker
from cxrkd.jobs.lease import Heart, is_held, place, read_lease, revoke, take
from cxrkd.jobs.locks import deciding
from cxrkd.jobs.process import kill_group, start_mark
from cxrkd.jobs.state import JobState, now, read_state, write_state

J = TypeVar("J", bound=Job)
_hearts: dict[Path, Heart] = {}  # of the jobs that this process executes


def create(kind: str, name: str, files: Mapping[str, Any], folder: Path | None = None) -> Path:
    """Make the folder of a job that nothing executes yet; `resume` queues it, `execute` runs it here.

    Args:
        kind: one of KINDS.
        name: what it is called; its folder is named after it.
        files: name -> value of each JSON file that it starts with.
        folder: exactly where; default a new folder among this machine's jobs.

    Raises:
        ConfigError: there is no such kind.
        RunError: the folder exists or cannot be written.
    """
    kind = KINDS[kind].name
    with making(own_jobs() if folder is None else folder.parent) as made:
        for file, value in files.items():
            write_json(made / file, value)
        if kind != DISTILLATION:
            write_kind(made, kind)
        with deciding(own_jobs()):
            sweep(own_jobs())
            order = 1 + max((job.state.order for job in list_own_jobs()), default=0)
            write_state(made, JobState("interrupted", stage="Not started", created=time.time(), order=order))
            path = settle(made, name) if folder is None else move(made, folder)
    return path.resolve()


def resume(job: J) -> J:
    """Queue a job that was interrupted, failed or was cancelled; it goes on where it was stopped.

    Raises:
        RunError: it is shipped or done, its settings are refused today, or the folder cannot be written.
        CxrkdError: what it needs is not here.
    """
    refuse_shipped(job, "resumed")
    if job.kind is not None and not job.kind.in_queue:
        raise RunError(
            f"{job.id} goes on until it is stopped, so it does not wait in the queue, where others would wait for it. "
            f"Go on with it here: python -m cxrkd runs resume {job.id} --foreground"
        )
    if job.require_readable().status != "done":
        job.require_current()  # may take seconds of imports, for which nobody else should wait
    with deciding(own_jobs()):
        state = job.require_readable()
        if state.status == "done":
            raise RunError(f"{job.id} is done; there is nothing to resume")
        if not state.active:
            write_state(job.path, state.at_rest("queued", stage="Waiting", message="", finished=None))
    ensure_worker()
    return job


def cancel(job: Job, grace_s: float = 5.0) -> None:
    """Stop a job. A queued one at once; a running one by ending its process group, after which the queue goes on.

    Raises:
        RunError: it is shipped, or neither waiting, running nor interrupted.
    """
    refuse_shipped(job, "cancelled")
    with deciding(own_jobs()):
        state = job.require_readable()
        if state.status not in ("queued", "running", "interrupted"):
            raise RunError(f"{job.id} is {state.status}; there is nothing to cancel")
        here = state.place in (None, place())
        if state.status == "running" and here and state.pid is not None and state.pid_started is not None:
            kill_group(state.pid, state.pid_started, grace_s)
        state = job.require_readable()
        if state.status != "done":  # it may have finished while we waited
            write_state(job.path, state.at_rest("cancelled", finished=now(state.created, state.started)))
        revoke(job.path)  # one that executes it elsewhere stops at its next beat
    keep_going()


def keep_going() -> None:
    """Start a worker where jobs wait and none lives: after a cancelled job, a reboot or a killed worker.

    Raises:
        RunError: the folder of jobs cannot be written.
    """
    if oldest_queued() is not None:
        ensure_worker()


def delete(job: Job) -> None:
    """Remove a job's folder.

    Raises:
        RunError: it is shipped, waiting or running, or cannot be removed.
    """
    refuse_shipped(job, "deleted")
    with deciding(own_jobs()):
        if job.state.active or is_held(job.path):
            raise RunError(f"{job.id} is {job.state.status}; cancel it before deleting it")
        doomed = put_away(job.path)
    remove(doomed)


def oldest_queued() -> Job | None:
    """The job whose turn it is."""
    return next(waiting(), None)


def waiting() -> Iterator[Job]:
    """The jobs that wait, in their order; what cannot be read waits for nothing."""
    states = [(job.state, job) for job in list_own_jobs()]
    queued = [(state.turn, job.id, job) for state, job in states if state.status == "queued"]
    return (job for _, _, job in sorted(queued, key=lambda item: item[:2]))


def claim(job: Job) -> Heart:
    """Mark a job as executed by this process, and keep its lease warm. Call it while `deciding`.

    Raises:
        RunError: it is done, cannot be read, or somebody else executes it, here or elsewhere.
    """
    state = job.require_readable()
    if state.status == "done":
        raise RunError(f"{job.id} is done; make a new run to do it again")
    mine = state.pid == os.getpid() and state.place == place()
    if state.status == "running" and not mine:
        where = f"in process {state.pid}" if state.place in (None, place()) else "elsewhere"
        raise RunError(f"{job.id} is running already, {where}; wait for it or cancel it")
    heart = _hearts.get(job.path)
    if heart is not None and read_lease(job.path) != heart.lease:  # since the worker claimed it
        raise RunError(f"{job.id} was cancelled or taken over elsewhere")
    lease = take(job.path)
    if heart is None:
        _hearts[job.path] = Heart(job.path, lease)
    running = replace(state, status="running", message="", finished=None, place=place())
    running = replace(running, started=state.started or now(state.created))
    write_state(job.path, replace(running, pid=os.getpid(), pid_started=start_mark(os.getpid())))
    return _hearts[job.path]


def give_up(job: Job, why: str) -> None:
    """Write down that a job failed, and why; on a full disk even that may fail, and the job reads as interrupted."""
    with suppress(RunError):
        state = read_state(job.path)
        write_state(job.path, state.at_rest("failed", message=why, finished=now(state.created, state.started)))
        append_event(job.path / EVENTS, {"kind": "error", "message": why})


def let_go(job: Job) -> None:
    """Give back what `claim` took, when this process executes the job no more."""
    heart = _hearts.pop(job.path, None)
    if heart is not None:
        heart.stop()


def refuse_shipped(job: Job, verb: str) -> None:
    """Refuse to change a job that came with the package.

    Raises:
        RunError: it did; `verb` says what was not done.
    """
    if job.shipped:
        raise RunError(f"{job.id} came with the program and cannot be {verb}; make a run of your own")
