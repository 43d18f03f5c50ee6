"""Execute a run in this process: what the worker and the command line call."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from cxrkd.atomic import PART
from cxrkd.errors import CxrkdError, RunError
from cxrkd.runs.environment import describe
from cxrkd.runs.estimate import stage_weights
from cxrkd.runs.events import append_event
from cxrkd.runs.files import cannot_write, write_json
from cxrkd.runs.locks import deciding
from cxrkd.runs.queue import claim
from cxrkd.runs.reporter import Reporter
from cxrkd.runs.run import ENVIRONMENT, EVENTS, LOG, Run, own_runs, require_current
from cxrkd.runs.stages import run_stages, students
from cxrkd.runs.state import Status, write_state

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS)
log = logging.getLogger("cxrkd.runs")


def execute(run: Run) -> None:
    """Do everything the run's config asks for; goes on where a stopped run was. Returns when it is done.

    Raises:
        RunError: it is done already, another process executes it, or something unforeseen went wrong (see log.txt).
        CxrkdError: what the user can act on; the run is marked as failed with the same sentence.
    """
    with deciding(own_runs()):
        claim(run)
    with _logging(run):
        try:
            _recipe(run)
        except CxrkdError as error:
            _stop(run, "failed", str(error))
            raise
        except Exception as error:
            log.exception("stopped by an error")
            sentence = _explain(run, error)
            _stop(run, "failed", str(sentence))
            raise sentence from error
        except (KeyboardInterrupt, SystemExit):
            _stop(run, "interrupted", "")
            raise


def _explain(run: Run, error: Exception) -> RunError:
    """One sentence about an error that was not meant for users; the log has the trace."""
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return cannot_write(run.path, error)
    first = (str(error).strip().splitlines() or [""])[0]
    if os.strerror(errno.ENOSPC) in first:  # writers outside Python's own raise errors of their own
        return cannot_write(run.path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    return RunError(f"unexpected {type(error).__name__}: {first[:200]}. The log has the details.")


def _recipe(run: Run) -> None:
    require_current(run)
    began = time.time()
    for torn in run.path.rglob(f"{PART}*"):  # left by a kill in the middle of a write
        torn.unlink()
    report = Reporter(run.path, stage_weights(run.config, [s.stage for s in students(run.config)]))
    run_stages(run, report)
    environment = {"started": run.state.started or began, "finished": time.time(), "seconds": report.seconds}
    write_json(run.path / ENVIRONMENT, {**describe(), **environment})
    report.emit({"kind": "done"})
    done = replace(run.state, status="done", stage="Done", progress=1.0, eta_s=None, message="")
    write_state(run.path, replace(done, pid=None, pid_started=None, finished=time.time()))
    shutil.rmtree(run.path / "work", ignore_errors=True)  # last: it holds the record of what is done


def _stop(run: Run, status: Status, message: str) -> None:
    """Write down why it stopped; on a full disk even that may fail, and the run then reads as interrupted."""
    with suppress(RunError):
        state = replace(run.state, status=status, message=message, eta_s=None, pid=None, pid_started=None)
        write_state(run.path, replace(state, finished=time.time() if status == "failed" else None))
        if status == "failed":
            append_event(run.path / EVENTS, {"kind": "error", "message": message})


@contextmanager
def _logging(run: Run) -> Iterator[None]:
    """Lines of our logger go to the run's log.txt."""
    try:
        handler = logging.FileHandler(run.path / LOG, encoding="utf-8")
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
