"""A job that this process executes, watched from its own terminal."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cxrkd.cli.output import Ticker
from cxrkd.text import duration

if TYPE_CHECKING:
    from cxrkd.jobs.job import Job

LOOK_EVERY_S = 0.5


def execute_watched(job: Job, again: str) -> None:
    """Execute a job in this process, showing how it goes; `again` is the command that goes on after an interruption.

    Raises:
        KeyboardInterrupt: it was stopped; a sentence on stderr says how to go on.
        CxrkdError: it failed.
    """
    from cxrkd.jobs.execute import execute

    try:
        with watching(job):
            execute(job)
    except (KeyboardInterrupt, SystemExit) as stop:  # Lightning turns the first into the second
        Ticker().line(f"Stopped. Go on where it was with: {again}")
        raise KeyboardInterrupt from stop


def command(verb: str, job: Job) -> str:
    """The command that does something with a job."""
    return f"python -m cxrkd runs {verb} {shlex.quote(job.id)}"


@contextmanager
def watching(job: Job) -> Iterator[None]:
    """Show a job's log lines and progress on stderr while the block executes it."""
    finished = threading.Event()
    watcher = threading.Thread(target=_watch, args=(job, finished), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def _watch(job: Job, finished: threading.Event) -> None:
    ticker, n_shown = Ticker(), len(_log(job))
    while not finished.wait(LOOK_EVERY_S):
        n_shown = _show_new_lines(job, ticker, n_shown)
        state = job.state
        left = f", {duration(state.eta_s)} left" if state.eta_s is not None else ""
        ticker.tell(f"{state.progress:4.0%}  {state.stage}{left}")
    _show_new_lines(job, ticker, n_shown)
    ticker.clear()


def _log(job: Job) -> list[str]:
    return job.log_tail(1_000_000)


def _show_new_lines(job: Job, ticker: Ticker, n_shown: int) -> int:
    lines = _log(job)
    for line in lines[n_shown:]:
        ticker.line(line)
    return len(lines)
