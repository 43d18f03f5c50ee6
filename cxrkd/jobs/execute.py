"""Execute a job in this process: what the worker and the command line call."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cxrkd import private
from cxrkd.atomic import PART
from cxrkd.errors import CxrkdError, RunError, unwritable
from cxrkd.jobs.asked import as_asked
from cxrkd.jobs.environment import describe
from cxrkd.jobs.events import EVENTS
from cxrkd.jobs.files import cannot_write, require_place_for_file, write_json
from cxrkd.jobs.folders import remove
from cxrkd.jobs.job import ENVIRONMENT, ENVIRONMENT_VERSION, KINDS, LOG, Job, kind_of, own_jobs
from cxrkd.jobs.lease import LOST
from cxrkd.jobs.locks import deciding
from cxrkd.jobs.progress import Follower
from cxrkd.jobs.queue import claim, give_up, let_go
from cxrkd.jobs.reporter import Reporter
from cxrkd.jobs.state import now, read_state, write_state

log = logging.getLogger("cxrkd.jobs")


def execute(job: Job, follower: Follower | None = None) -> None:
    """Do everything that a job was told; goes on where it was stopped. Returns when it is done.

    Args:
        job: which.
        follower: told of its progress, by a job of which this one is a part.

    Raises:
        RunError: it is done already, another process executes it, or something unforeseen went wrong (see log.txt).
        CxrkdError: what the user can act on; the job is marked as failed with the same sentence.
    """
    with deciding(own_jobs()):
        heart = claim(job)
    heart.on_lost = _stop_here
    try:
        with private.owner_only(), _logging(job):
            _execute(job, follower)
    finally:
        let_go(job)


def _stop_here() -> None:
    """The job was cancelled, deleted or taken over elsewhere; what is on disk is whole, and ours no more."""
    os.kill(os.getpid(), LOST)


def _execute(job: Job, follower: Follower | None) -> None:
    try:
        with as_asked(job):
            _work(job, follower)
    except CxrkdError as error:
        give_up(job, str(error))
        raise
    except Exception as error:
        log.error("stopped by an error", exc_info=unwritable(error) is None)  # where a disk is full, no trace says more
        sentence = _explain(job, error)
        give_up(job, str(sentence))
        raise sentence from error
    except (KeyboardInterrupt, SystemExit):
        with suppress(RunError):  # it then reads as interrupted because its process is gone
            write_state(job.path, read_state(job.path).at_rest("interrupted", finished=None))
        raise


def _explain(job: Job, error: Exception) -> RunError:
    """One sentence about an error that was not meant for users; the log has the trace."""
    full = unwritable(error)
    if full is not None:
        return cannot_write(job.path, full)
    first = (str(error).strip().splitlines() or [""])[0]
    return RunError(f"unexpected {type(error).__name__}: {first[:200]}. The log has the details.")


def _work(job: Job, follower: Follower | None) -> None:
    job.require_current()
    for torn in job.path.rglob(f"{PART}*"):  # left by a kill in the middle of a write
        remove(torn)
    require_place_for_file(job.path / EVENTS)
    kind, report = KINDS[kind_of(job.path)], Reporter(job.path, job.sentence, follower)
    kind.work(job, report)
    state = read_state(job.path)
    finished = now(state.created, state.started)
    environment = {"started": state.started or finished, "finished": finished, "seconds": report.seconds}
    write_json(job.path / ENVIRONMENT, {"version": ENVIRONMENT_VERSION, **describe(), **environment})
    report.emit({"kind": "done"})
    write_state(job.path, state.at_rest("done", stage="Done", progress=1.0, message="", finished=finished))
    shutil.rmtree(job.path / "work", ignore_errors=True)  # last: it holds the record of what is done


@contextmanager
def _logging(job: Job) -> Iterator[None]:
    """Lines of our logger go to the job's log.txt."""
    try:
        handler = logging.FileHandler(require_place_for_file(job.path / LOG), encoding="utf-8")
    except OSError as error:
        raise cannot_write(job.path, error) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
