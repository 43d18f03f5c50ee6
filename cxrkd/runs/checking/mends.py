"""Repairs of a job or a run, each from what its other files tell. Call while `deciding`; each says what it did."""

from __future__ import annotations

import os
from pathlib import Path

from cxrkd.atomic import PART
from cxrkd.config import MEMBERS, Member
from cxrkd.errors import RunError
from cxrkd.jobs.events import EVENTS
from cxrkd.jobs.files import read_bytes, write_json
from cxrkd.jobs.folders import remove
from cxrkd.jobs.job import ENVIRONMENT, Job
from cxrkd.jobs.state import LAST_S, STATE, JobState, write_state
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runs.run import LABELS, METRICS, Run


def expected_members(run: Run) -> list[Member]:
    """The members that a finished run has."""
    return [member for member in MEMBERS if run.config.control or member != "alone"]


def stand_again(job: Job) -> str:
    """The state that the other files tell: done where all is there that it leaves, else it can go on."""
    complete = _is_complete(job) and not os.path.lexists(job.path / "work")  # goes last of all when a job is done
    created = min(max(job.path.lstat().st_mtime, 0.0), LAST_S)
    done = JobState("done", stage="Done", progress=1.0, created=created)
    state = done if complete else JobState("interrupted", stage="Interrupted", created=created)
    _make_way(job.path / STATE)
    write_state(job.path, state)
    return f"written again as {state.status}; when it ran is lost"


def _is_complete(job: Job) -> bool:
    if isinstance(job, Run):
        return job.members() == expected_members(job) and os.path.lexists(job.path / METRICS)
    return os.path.lexists(job.path / ENVIRONMENT)  # written when all else is


def label_again(run: Run) -> str:
    """The labels that the weights name.

    Raises:
        RunError: no weights are left.
    """
    from cxrkd.models.weights import load_weights  # torch takes seconds to import

    member = next(iter(run.members()), None)
    if member is None:
        raise RunError("no weights are left that name the labels")
    labels = load_weights(run.weights_path(member)).labels
    _make_way(run.path / LABELS)
    write_json(run.path / LABELS, list(labels))
    return f"written again from the weights of {member}"


def measure_again(run: Run, measured: RunMetrics) -> str:
    """The figures that follow from the predictions."""
    _make_way(run.path / METRICS)
    write_json(run.path / METRICS, measured.to_dict())
    return "measured again from the predictions"


def drop_environment(job: Job) -> str:
    """No word on what the run was made with, instead of one that cannot be read."""
    _make_way(job.path / ENVIRONMENT)
    return "removed; what the run was made with is lost, its figures are not"


def keep_whole_events(job: Job) -> str:
    """The events without those that are torn."""
    lines = read_bytes(job.path / EVENTS).splitlines()
    whole = [line + b"\n" for line in lines if job.event_in(line) is not None]
    part = job.path / f"{PART}{EVENTS}"
    part.write_bytes(b"".join(whole))
    os.replace(part, job.path / EVENTS)
    return "torn lines removed"


def clear(path: Path) -> str:
    """Nothing, where there was a leftover.

    Raises:
        RunError: it cannot be removed.
    """
    remove(path)
    if os.path.lexists(path):
        raise RunError(f"{path.name} cannot be removed; check its rights")
    return "removed"


def _make_way(path: Path) -> None:
    """Whatever is in place of a small file is set aside for good: a folder, a pipe, a link to elsewhere."""
    if os.path.lexists(path):
        clear(path)
