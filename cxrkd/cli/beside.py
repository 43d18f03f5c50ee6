"""A job beside a run: read what an earlier one left, go on with one that was stopped, or make and execute it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from cxrkd.cli.watching import command, execute_watched

if TYPE_CHECKING:
    from cxrkd.runs import Run
    from cxrkd.runs.beside import BesideRun, FilmsAsked

J = TypeVar("J", bound="BesideRun[Any]")


def answered(kind: type[J], run: Run, asked: FilmsAsked, kept: J | None = None) -> J:
    """The finished job that answers a question.

    Args:
        kind: its class.
        run: finished.
        asked: the question.
        kept: an answer that is there already, whatever its words.

    Raises:
        CxrkdError: the films are not here, or the job failed.
    """
    from cxrkd.runs.beside import asked_before

    job = kept or asked_before(kind, asked)
    if job is not None and job.state.status == "done" and job.is_of(run):
        return job
    if job is not None and job.state.status in ("interrupted", "failed", "cancelled"):
        execute_watched(job, command("resume", job))
        return job
    return _made_here(kind, run, asked)


def _made_here(kind: type[J], run: Run, asked: FilmsAsked) -> J:
    """Execute a new job; one that its data refuse leaves no folder."""
    from cxrkd.errors import DataError
    from cxrkd.jobs.queue import delete
    from cxrkd.runs.beside import create_beside

    job = create_beside(kind, run, asked)
    try:
        execute_watched(job, command("resume", job))
    except DataError:
        delete(job)
        raise
    return job
