"""Making a stress test, and finding one that was asked the same. No network is imported: pages make them, too."""

from __future__ import annotations

from pathlib import Path

from cxrkd.config import DataConfig
from cxrkd.data import is_here
from cxrkd.errors import DataError, RunError
from cxrkd.jobs import queue
from cxrkd.jobs.job import list_own_jobs
from cxrkd.runs.run import Run, open_run
from cxrkd.runs.stressing.job import ASKED, ASKED_VERSION, StressConfig, StressJob


def create_stress(run: Run, data: DataConfig | None = None, folder: Path | None = None) -> StressJob:
    """Make the folder of a stress test that nothing executes yet.

    Args:
        run: finished.
        data: other films than the run's own test films.
        folder: where the run's own data set is, if not where its config says.

    Raises:
        RunError: the run has no networks, or the folder cannot be written.
        DataError: the films are not on this machine.
    """
    if not run.members():
        raise RunError(f"{run.id} has no networks to test: let the run finish or restore its weights")
    if data is None and folder is None and not is_here(run.config.data):
        raise DataError(
            f"The films of {run.id} are not where it found them. Say where its data set is now: --folder DIR."
        )
    asked = asked_for(run, data, folder)
    recorded = {"version": ASKED_VERSION, **asked.model_dump(mode="json")}
    return StressJob(queue.create("stress", f"{run.id} stress", {ASKED: recorded}))


def asked_for(run: Run, data: DataConfig | None = None, folder: Path | None = None) -> StressConfig:
    """What a stress test of a run is asked; the run by its id where that leads to it."""
    try:
        known = open_run(run.id).path == run.path
    except RunError:
        known = False
    where = None if folder is None else folder.expanduser().absolute()
    return StressConfig(run=run.id if known else str(run.path), data=data, folder=where)


def find_stress(asked: StressConfig) -> StressJob | None:
    """The newest stress test of this machine that was asked exactly this, finished or not."""
    jobs = (job for job in list_own_jobs() if isinstance(job, StressJob))
    return next((job for job in jobs if job.state.status != "unreadable" and job.config == asked), None)
