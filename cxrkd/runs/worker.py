"""The one process that executes queued runs, oldest first, until none is left: `python -m cxrkd.runs.worker`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from cxrkd import private
from cxrkd.errors import CxrkdError
from cxrkd.runs.locks import deciding, working
from cxrkd.runs.queue import claim, oldest_queued
from cxrkd.runs.run import LOG, Run, own_runs

NICENESS = 5  # the dashboard beside us should stay quick


def main() -> None:
    """Execute what is queued. Returns at once when another worker lives."""
    # Everything on disk is whole at any moment, so the quickest end is the cleanest; Lightning would finish its epoch.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    os.nice(NICENESS)
    with ExitStack() as lock:
        with deciding(own_runs()):
            free = lock.enter_context(working(own_runs()))
        while free and (run := _next(lock)) is not None:
            with _output_to_log(run), suppress(CxrkdError):  # the run's state says what went wrong
                from cxrkd.runs.recipe import execute  # seconds of imports, after the lock is ours

                execute(run)


def _next(lock: ExitStack) -> Run | None:
    """Claim the oldest queued run; give up being the worker, in the same breath, when there is none."""
    with deciding(own_runs()):
        run = oldest_queued()
        if run is None:
            lock.close()
            return None
        claim(run)
        return run


@contextmanager
def _output_to_log(run: Run) -> Iterator[None]:
    """Send what any library prints, also from C++, to the run's log.txt."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    log = os.open(run.path / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, private.FILE)
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
