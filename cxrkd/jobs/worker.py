"""The one process that executes queued jobs, oldest first, until none is left: `python -m cxrkd.jobs.worker`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from cxrkd import private
from cxrkd.errors import CxrkdError, RunError
from cxrkd.jobs.files import cannot_write, require_place_for_file
from cxrkd.jobs.folders import sweep
from cxrkd.jobs.job import LOG, Job, own_jobs
from cxrkd.jobs.keeper import GO_ON
from cxrkd.jobs.launch import say_up
from cxrkd.jobs.lease import LOST
from cxrkd.jobs.locks import deciding, working
from cxrkd.jobs.queue import claim, give_up, let_go, waiting

NICENESS = 5  # the dashboard beside us should stay quick


def main() -> None:
    """Execute what is queued. Returns at once when another worker lives."""
    # Everything on disk is whole at any moment, so the quickest end is the cleanest; Lightning would finish its epoch.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    signal.signal(LOST, lambda *_: os._exit(GO_ON))
    os.nice(NICENESS)
    with ExitStack() as lock:
        with deciding(own_jobs()):
            free = lock.enter_context(working(own_jobs()))
            say_up(own_jobs(), claimed=False)
        while free and (job := _next(lock)) is not None:
            _execute(job)


def _next(lock: ExitStack) -> Job | None:
    """Claim the oldest queued job; give up being the worker, in the same breath, when there is none."""
    with deciding(own_jobs()):
        sweep(own_jobs())
        for job in waiting():
            with suppress(RunError):  # somebody elsewhere is at work on it: the next one
                claim(job)
                say_up(own_jobs(), claimed=True)
                return job
        lock.close()
        return None


def _execute(job: Job) -> None:
    """Execute a claimed job; its state says what went wrong, and the queue goes on."""
    try:
        with _output_to_log(job), suppress(CxrkdError):
            from cxrkd.jobs.execute import execute  # seconds of imports, after the lock is ours

            execute(job)
    except RunError as error:  # there is no place for its log
        give_up(job, str(error))
    finally:
        let_go(job)


@contextmanager
def _output_to_log(job: Job) -> Iterator[None]:
    """Send what any library prints, also from C++, to the job's log.txt."""
    try:
        log = os.open(require_place_for_file(job.path / LOG), os.O_WRONLY | os.O_APPEND | os.O_CREAT, private.FILE)
    except OSError as error:
        raise cannot_write(job.path, error) from error
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    try:
        os.dup2(log, 1), os.dup2(log, 2)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept[0], 1), os.dup2(kept[1], 2)
        for handle in (log, *kept):
            os.close(handle)


if __name__ == "__main__":
    main()
