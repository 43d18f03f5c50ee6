"""The one process that executes queued runs, oldest first, until none is left: `python -m cxrkd.runs.worker`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from cxrkd import private
from cxrkd.errors import CxrkdError, RunError
from cxrkd.runs.files import cannot_write, require_place_for_file
from cxrkd.runs.folders import sweep
from cxrkd.runs.keeper import GO_ON
from cxrkd.runs.launch import say_up
from cxrkd.runs.lease import LOST
from cxrkd.runs.locks import deciding, working
from cxrkd.runs.queue import claim, give_up, let_go, waiting
from cxrkd.runs.run import LOG, Run, own_runs

NICENESS = 5  # the dashboard beside us should stay quick


def main() -> None:
    """Execute what is queued. Returns at once when another worker lives."""
    # Everything on disk is whole at any moment, so the quickest end is the cleanest; Lightning would finish its epoch.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    signal.signal(LOST, lambda *_: os._exit(GO_ON))
    os.nice(NICENESS)
    with ExitStack() as lock:
        with deciding(own_runs()):
            free = lock.enter_context(working(own_runs()))
            say_up(own_runs(), claimed=False)
        while free and (run := _next(lock)) is not None:
            _execute(run)


def _next(lock: ExitStack) -> Run | None:
    """Claim the oldest queued run; give up being the worker, in the same breath, when there is none."""
    with deciding(own_runs()):
        sweep(own_runs())
        for run in waiting():
            with suppress(RunError):  # somebody elsewhere is at work on it: the next one
                claim(run)
                say_up(own_runs(), claimed=True)
                return run
        lock.close()
        return None


def _execute(run: Run) -> None:
    """Execute a claimed run; its state says what went wrong, and the queue goes on."""
    try:
        with _output_to_log(run), suppress(CxrkdError):
            from cxrkd.runs.recipe import execute  # seconds of imports, after the lock is ours

            execute(run)
    except RunError as error:  # there is no place for its log
        give_up(run, str(error))
    finally:
        let_go(run)


@contextmanager
def _output_to_log(run: Run) -> Iterator[None]:
    """Send what any library prints, also from C++, to the run's log.txt."""
    try:
        log = os.open(require_place_for_file(run.path / LOG), os.O_WRONLY | os.O_APPEND | os.O_CREAT, private.FILE)
    except OSError as error:
        raise cannot_write(run.path, error) from error
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
