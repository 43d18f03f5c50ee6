"""Making a run: what is refused is refused before there is a folder; and the run that was told the same already."""

from __future__ import annotations

from pathlib import Path

from cxrkd.config import RunConfig
from cxrkd.errors import RunError
from cxrkd.jobs import queue
from cxrkd.jobs.job import DISTILLATION
from cxrkd.runs.refusing import Settled, settle, with_teacher
from cxrkd.runs.run import CONFIG, CONFIG_VERSION, IMAGES, Run, list_own_runs


def create(config: RunConfig | Settled, folder: Path | None = None) -> Run:
    """Make the folder of a run that nothing executes yet; `submit` queues it, `execute` runs it here.

    Args:
        config: what to do. With `teacher_from`, the teacher's architecture and training are taken over from there.
        folder: exactly where; default a new folder, named after the run, among this machine's runs.

    Raises:
        RunError: the folder exists or cannot be written, or a run to start from is not finished.
        CxrkdError: what stops it is known already (see `cxrkd.runs.refusing.settle`). No folder is left then.
    """
    asked = config if isinstance(config, Settled) else settle(config)
    recorded = {"version": CONFIG_VERSION, **asked.config.model_dump(mode="json")}
    return Run(queue.create(DISTILLATION, asked.config.name, {CONFIG: recorded, IMAGES: list(asked.images)}, folder))


def submit(config: RunConfig) -> Run:
    """Make a run, queue it, and see to it that a worker lives.

    Raises:
        CxrkdError: as `create`.
    """
    return queue.resume(create(config))


def find(config: RunConfig) -> Run | None:
    """The newest run of this machine that was told exactly this, finished or not; None where there is none.

    Raises:
        RunError: the teacher is to be borrowed from a run that is not there or not finished.
        ConfigError: the teacher saw patients that this run would test on.
    """
    wanted = with_teacher(config)
    return next((run for run in list_own_runs() if _told(run) == wanted), None)


def _told(run: Run) -> RunConfig | None:
    """The config of a run; None where another version wrote it."""
    try:
        return run.config
    except RunError:
        return None
