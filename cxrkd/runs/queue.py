"""Making, queueing, stopping and deleting runs. One worker process at a time executes what is queued."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cxrkd.config import RunConfig
from cxrkd.errors import RunError
from cxrkd.runs.events import append_event
from cxrkd.runs.files import write_json
from cxrkd.runs.folders import making, move, put_away, remove, settle, sweep
from cxrkd.runs.launch import ensure_worker
from cxrkd.runs.lease import Heart, is_held, place, read_lease, revoke, take
from cxrkd.runs.locks import deciding
from cxrkd.runs.process import kill_group, start_mark
from cxrkd.runs.refusing import settled, with_teacher
from cxrkd.runs.run import CONFIG, CONFIG_VERSION, EVENTS, Run, list_own_runs, own_runs, require_current
from cxrkd.runs.state import RunState, now, read_state, write_state

_hearts: dict[Path, Heart] = {}  # of the runs that this process executes


def create(config: RunConfig, folder: Path | None = None) -> Run:
    """Make the folder of a run that nothing executes yet; `submit` queues it, `execute` runs it here.

    Args:
        config: what to do. With `teacher_from`, the teacher's architecture and training are taken over from there.
        folder: exactly where; default a new folder, named after the run, among this machine's runs.

    Raises:
        RunError: the folder exists or cannot be written, or a run to start from is not finished.
        CxrkdError: what stops it is known already (see `cxrkd.runs.refusing.settled`). No folder is left then.
    """
    config = settled(config)
    with making(own_runs() if folder is None else folder.parent) as made:
        write_json(made / CONFIG, {"version": CONFIG_VERSION, **config.model_dump(mode="json")})
        with deciding(own_runs()):
            sweep(own_runs())
            order = 1 + max((run.state.order for run in list_own_runs()), default=0)
            write_state(made, RunState("interrupted", stage="Not started", created=time.time(), order=order))
            path = settle(made, config.name) if folder is None else move(made, folder)
    return Run(path.resolve())


def find(config: RunConfig) -> Run | None:
    """The newest run of this machine that was told exactly this, finished or not; None where there is none.

    Raises:
        RunError: the teacher is to be borrowed from a run that is not there or not finished.
        ConfigError: the teacher saw patients that this run would test on.
    """
    wanted = with_teacher(config)
    return next((run for run in list_own_runs() if _told(run) == wanted), None)


def _told(run: Run) -> RunConfig | None:
    """The config of a run; None where another version wrote it."""
    try:
        return run.config
    except RunError:
        return None


def submit(config: RunConfig) -> Run:
    """Make a run, queue it, and see to it that a worker lives.

    Raises:
        CxrkdError: as `create`.
    """
    return resume(create(config))


def resume(run: Run) -> Run:
    """Queue a run that was interrupted, failed or was cancelled; it goes on after its last epoch.

    Raises:
        RunError: it is shipped or done, its settings are refused today, or the folder cannot be written.
    """
    _refuse_shipped(run, "resumed")
    with deciding(own_runs()):
        state = run.require_readable()
        if state.status == "done":
            raise RunError(f"{run.id} is done; there is nothing to resume")
        require_current(run)
        if not state.active:
            write_state(run.path, state.at_rest("queued", stage="Waiting", message="", finished=None))
    ensure_worker()
    return run


def cancel(run: Run, grace_s: float = 5.0) -> None:
    """Stop a run. A queued one at once; a running one by ending its process group, after which the queue goes on.

    Raises:
        RunError: it is shipped, or neither waiting, running nor interrupted.
    """
    _refuse_shipped(run, "cancelled")
    with deciding(own_runs()):
        state = run.require_readable()
        if state.status not in ("queued", "running", "interrupted"):
            raise RunError(f"{run.id} is {state.status}; there is nothing to cancel")
        here = state.place in (None, place())
        if state.status == "running" and here and state.pid is not None and state.pid_started is not None:
            kill_group(state.pid, state.pid_started, grace_s)
        state = run.require_readable()
        if state.status != "done":  # it may have finished while we waited
            write_state(run.path, state.at_rest("cancelled", finished=now(state.created, state.started)))
        revoke(run.path)  # one that executes it elsewhere stops at its next beat
    keep_going()


def keep_going() -> None:
    """Start a worker where runs wait and none lives: after a cancelled run, a reboot or a killed worker.

    Raises:
        RunError: the folder of runs cannot be written.
    """
    if oldest_queued() is not None:
        ensure_worker()


def delete(run: Run) -> None:
    """Remove a run's folder.

    Raises:
        RunError: it is shipped, waiting or running, or cannot be removed.
    """
    _refuse_shipped(run, "deleted")
    with deciding(own_runs()):
        if run.state.active or is_held(run.path):
            raise RunError(f"{run.id} is {run.state.status}; cancel it before deleting it")
        doomed = put_away(run.path)
    remove(doomed)


def oldest_queued() -> Run | None:
    """The run whose turn it is."""
    return next(waiting(), None)


def waiting() -> Iterator[Run]:
    """The runs that wait, in their order; what cannot be read waits for nothing."""
    states = [(run.state, run) for run in list_own_runs()]
    queued = [(state.turn, run.id, run) for state, run in states if state.status == "queued"]
    return (run for _, _, run in sorted(queued, key=lambda item: item[:2]))


def claim(run: Run) -> Heart:
    """Mark a run as executed by this process, and keep its lease warm. Call it while `deciding`.

    Raises:
        RunError: it is done, cannot be read, or somebody else executes it, here or elsewhere.
    """
    state = run.require_readable()
    if state.status == "done":
        raise RunError(f"{run.id} is done; make a new run to do it again")
    mine = state.pid == os.getpid() and state.place == place()
    if state.status == "running" and not mine:
        where = f"in process {state.pid}" if state.place in (None, place()) else "elsewhere"
        raise RunError(f"{run.id} is running already, {where}; wait for it or cancel it")
    heart = _hearts.get(run.path)
    if heart is not None and read_lease(run.path) != heart.lease:  # since the worker claimed it for the recipe
        raise RunError(f"{run.id} was cancelled or taken over elsewhere")
    lease = take(run.path)
    if heart is None:
        _hearts[run.path] = Heart(run.path, lease)
    running = replace(state, status="running", message="", finished=None, place=place())
    running = replace(running, started=state.started or now(state.created))
    write_state(run.path, replace(running, pid=os.getpid(), pid_started=start_mark(os.getpid())))
    return _hearts[run.path]


def give_up(run: Run, why: str) -> None:
    """Write down that a run failed, and why; on a full disk even that may fail, and the run reads as interrupted."""
    with suppress(RunError):
        state = read_state(run.path)
        write_state(run.path, state.at_rest("failed", message=why, finished=now(state.created, state.started)))
        append_event(run.path / EVENTS, {"kind": "error", "message": why})


def let_go(run: Run) -> None:
    """Give back what `claim` took, when this process executes the run no more."""
    heart = _hearts.pop(run.path, None)
    if heart is not None:
        heart.stop()


def _refuse_shipped(run: Run, verb: str) -> None:
    if run.shipped:
        raise RunError(f"{run.id} came with the program and cannot be {verb}; make a run of your own")
