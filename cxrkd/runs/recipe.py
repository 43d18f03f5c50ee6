"""Execute a run in this process: what the worker and the command line call."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cxrkd import private
from cxrkd.atomic import PART
from cxrkd.errors import CxrkdError, RunError, unwritable
from cxrkd.runs.asked import as_asked
from cxrkd.runs.environment import describe
from cxrkd.runs.estimate import stage_weights
from cxrkd.runs.files import cannot_write, require_place_for_file, write_json
from cxrkd.runs.folders import remove
from cxrkd.runs.lease import LOST
from cxrkd.runs.locks import deciding
from cxrkd.runs.queue import claim, give_up, let_go
from cxrkd.runs.reporter import Reporter
from cxrkd.runs.run import ENVIRONMENT, ENVIRONMENT_VERSION, EVENTS, LOG, Run, own_runs, require_current
from cxrkd.runs.stages import run_stages, students
from cxrkd.runs.state import now, read_state, write_state

log = logging.getLogger("cxrkd.runs")


def execute(run: Run) -> None:
    """Do everything the run's config asks for; goes on where a stopped run was. Returns when it is done.

    Raises:
        RunError: it is done already, another process executes it, or something unforeseen went wrong (see log.txt).
        CxrkdError: what the user can act on; the run is marked as failed with the same sentence.
    """
    with deciding(own_runs()):
        heart = claim(run)
    heart.on_lost = _stop_here
    try:
        with private.owner_only(), _logging(run):
            _execute(run)
    finally:
        let_go(run)


def _stop_here() -> None:
    """The run was cancelled, deleted or taken over elsewhere; what is on disk is whole, and ours no more."""
    os.kill(os.getpid(), LOST)


def _execute(run: Run) -> None:
    try:
        with as_asked(run):
            _recipe(run)
    except CxrkdError as error:
        give_up(run, str(error))
        raise
    except Exception as error:
        log.error("stopped by an error", exc_info=unwritable(error) is None)  # where a disk is full, no trace says more
        sentence = _explain(run, error)
        give_up(run, str(sentence))
        raise sentence from error
    except (KeyboardInterrupt, SystemExit):
        with suppress(RunError):  # it then reads as interrupted because its process is gone
            write_state(run.path, read_state(run.path).at_rest("interrupted", finished=None))
        raise


def _explain(run: Run, error: Exception) -> RunError:
    """One sentence about an error that was not meant for users; the log has the trace."""
    full = unwritable(error)
    if full is not None:
        return cannot_write(run.path, full)
    first = (str(error).strip().splitlines() or [""])[0]
    return RunError(f"unexpected {type(error).__name__}: {first[:200]}. The log has the details.")


def _recipe(run: Run) -> None:
    require_current(run)
    for torn in run.path.rglob(f"{PART}*"):  # left by a kill in the middle of a write
        remove(torn)
    require_place_for_file(run.path / EVENTS)
    report = Reporter(run.path, stage_weights(run.config, [s.stage for s in students(run.config)]))
    run_stages(run, report)
    state = read_state(run.path)
    finished = now(state.created, state.started)
    environment = {"started": state.started or finished, "finished": finished, "seconds": report.seconds}
    write_json(run.path / ENVIRONMENT, {"version": ENVIRONMENT_VERSION, **describe(), **environment})
    report.emit({"kind": "done"})
    write_state(run.path, state.at_rest("done", stage="Done", progress=1.0, message="", finished=finished))
    shutil.rmtree(run.path / "work", ignore_errors=True)  # last: it holds the record of what is done


@contextmanager
def _logging(run: Run) -> Iterator[None]:
    """Lines of our logger go to the run's log.txt."""
    try:
        handler = logging.FileHandler(require_place_for_file(run.path / LOG), encoding="utf-8")
    except OSError as error:
        raise cannot_write(run.path, error) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
