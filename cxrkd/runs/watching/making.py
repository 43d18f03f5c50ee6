"""Making a watch, finding the one of a folder, and starting it in a process of its own."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from cxrkd import private
from cxrkd.errors import DataError, RunError
from cxrkd.jobs import queue
from cxrkd.jobs.files import cannot_write, write_json
from cxrkd.jobs.job import LOG, own_jobs
from cxrkd.jobs.locks import deciding
from cxrkd.jobs.state import read_state, write_state
from cxrkd.places import home, isolated_environment, isolated_python
from cxrkd.runs.watching.job import WatchConfig, WatchJob, list_watches

START_S = 20.0
"""A process that is not at work after this long has ended at its start, and its log says why."""


def watch_of(asked: WatchConfig) -> WatchJob:
    """The watch of a folder by these networks, ready to go on: the one that is there, else a new one.

    Raises:
        RunError: it is at work already, or the folder of jobs cannot be written.
        DataError: there is no such folder.
    """
    if not os.path.isdir(asked.folder):  # unlike that of pathlib it raises nothing
        raise DataError(f"Expected a folder to watch, got {asked.folder}. Check the path, or make it first.")
    known = _same(asked)
    if known:
        return ready(known[0], asked)
    # Not named after the folder: ids stand in lists and addresses that everybody sees.
    made = WatchJob(queue.create("watch", f"{Path(asked.run).name} watch", WatchJob.asking(asked)))
    first = min(_same(asked), key=lambda job: job.state.order)
    if first.id == made.id:
        return made
    queue.delete(made)  # somebody else made one in the same moment
    return ready(first, asked)


def _same(asked: WatchConfig) -> list[WatchJob]:
    """The watches of the same films, newest first."""
    return [job for job in list_watches() if job.state.status != "unreadable" and job.config.same_films(asked)]


def ready(job: WatchJob, asked: WatchConfig | None = None) -> WatchJob:
    """A watch that was stopped or has done all that was there, so that it can go on.

    Args:
        job: which.
        asked: the same films, computed or written elsewhere; as it was if not given.

    Raises:
        RunError: it is at work.
    """
    with deciding(own_jobs()):
        state = read_state(job.path)
        if state.active:
            raise RunError(f"{job.id} watches this folder already. Look at it, or stop it: runs cancel {job.id}")
        if asked is not None:
            for name, recorded in WatchJob.asking(asked).items():
                write_json(job.path / name, recorded)
        write_state(job.path, state.at_rest("interrupted", stage="Not started", message="", finished=None))
    return WatchJob(job.path)


def start_apart(job: WatchJob) -> None:
    """Go on with a watch in a process that outlives the page, the tab and the server; returns when it is at work.

    Raises:
        RunError: it ended at its start.
    """
    try:
        log = os.open(job.path / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, private.FILE)
    except OSError as error:
        raise cannot_write(job.path, error) from error
    with os.fdopen(log, "ab") as handle:
        process = subprocess.Popen(
            [*isolated_python(), "-m", "cxrkd.runs.watching.apart", str(job.path)],
            cwd=home(),
            env=isolated_environment() | {"CXRKD_HOME": str(home().resolve())},
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
        )
    _reap(process)
    end = time.monotonic() + START_S
    while process.poll() is None and job.state.status != "running" and time.monotonic() < end:
        time.sleep(0.1)
    if process.poll() not in (None, 0) and job.state.status != "running":
        raise RunError(f"{job.id} ended at its start: {job.state.message or 'its log says why'}")


_started: list[subprocess.Popen[bytes]] = []  # kept to be reaped: an unread child stays as a zombie


def _reap(process: subprocess.Popen[bytes]) -> None:
    _started[:] = [child for child in _started if child.poll() is None]
    _started.append(process)


def folder_named(path: Path) -> Path:
    """A folder as it is known by from anywhere, whether or not it is there."""
    return Path(os.path.realpath(os.path.expanduser(path)))
