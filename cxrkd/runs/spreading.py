"""A run's trainings on several processes and machines. The first node makes the run; the others join its trainings.

All nodes see one file system. The first lays each training into its folder, with where it can be met; another node
looks there, takes part in what belongs to the execution that is under way, and ends when the run does.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch

from cxrkd.config import RunConfig
from cxrkd.errors import RunError
from cxrkd.jobs.job import Job
from cxrkd.jobs.state import JobState
from cxrkd.progress import OnEvent
from cxrkd.runs.making import find
from cxrkd.runs.run import Run
from cxrkd.train.apart import meeting_point, take_part
from cxrkd.train.spread import Spread
from cxrkd.train.task import TASK, Task

LOOK_EVERY_S, LAST_WORDS_S = 1.0, 60.0
PATIENCE_S = 900.0
"""How long a node waits for the first one to start; that may have to render or decode films, or stand in a queue."""


def refuse_uneven(config: RunConfig, *, teacher: bool) -> None:
    """Refuse before anything is done what the processes of this machine could not share.

    Args:
        config: of the run.
        teacher: whether one is trained.

    Raises:
        ConfigError: a batch cannot be shared evenly, or there are not as many devices.
    """
    here = Spread.here()
    for train in (config.student_train, *([config.teacher_train] if teacher else [])):
        here.processes(train.batch_size, torch.cuda.device_count())


def spread_here(task: Task, job: Job, n_train: int) -> Task:
    """A training of a job with how it is spread, over the nodes and devices that this process was told of.

    Raises:
        ConfigError: the films of a batch, n_train at most, cannot be shared evenly.
    """
    here, films = Spread.here(), min(task.train.batch_size, n_train)
    where: dict[str, object] = {"devices": here.processes(films, torch.cuda.device_count()), "nodes": here.nodes}
    if here.nodes > 1:
        address, port = meeting_point()
        where |= {"address": address, "port": port, "execution": job.state.execution}
    return task.model_copy(update=where)


def started(config: RunConfig) -> Run:
    """The run that the first node makes of a config, once it is executed there.

    Raises:
        RunError: nobody did.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        run = find(config)
        if run is not None and run.state.status == "running":
            return run
        time.sleep(LOOK_EVERY_S)
    raise RunError(
        f"Waited {PATIENCE_S / 60:.0f} minutes for the first node (NODE_RANK=0) to start a run of these settings. "
        "Start the same command there, with the same CXRKD_HOME on a file system that all nodes see."
    )


def join(run: Run, rank: int, tell: OnEvent) -> None:
    """Take part in every training of a run that the first node executes, until the run is done.

    Args:
        run: as this node sees it.
        rank: of this node, from 1.
        tell: called with a "stage" event for every training.

    Raises:
        RunError: the run failed or was stopped, or this node's part of a training ended early.
    """
    execution = _execution(run)
    taken: set[Path] = set()
    while (state := run.state).status == "running" and state.execution == execution:
        for folder, task in _open(run, execution, taken):
            taken.add(folder)
            tell({"kind": "stage", "stage": folder.name, "title": f"Node {rank} takes part in {folder.name}"})
            _do(run, task, folder, rank)
        time.sleep(LOOK_EVERY_S)
    _refuse_unfinished(run, state)


def _execution(run: Run) -> str:
    """The execution that is under way, once there is one."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        state = run.require_readable()
        if state.status == "running":
            return state.execution
        if state.status == "done":
            raise RunError(f"{run.id} is done; there is nothing to take part in.")
        time.sleep(LOOK_EVERY_S)
    raise RunError(f"Waited {PATIENCE_S / 60:.0f} minutes for the first node (NODE_RANK=0) to go on with {run.id}.")


def _open(run: Run, execution: str, taken: set[Path]) -> list[tuple[Path, Task]]:
    """Trainings of this execution that nobody here took part in yet."""
    folders = [path.parent for path in (run.path / "work").glob(f"*/{TASK}") if path.parent not in taken]
    tasks = []
    for folder in folders:
        try:
            task = Task.read(folder)
        except RunError:  # it was removed just now: that training is over
            continue
        if task.execution == execution and task.nodes > 1:
            tasks.append((folder, task))
    return tasks


def _do(run: Run, task: Task, folder: Path, rank: int) -> None:
    """This node's part of one training; it is ended where the run ends without it."""
    child = take_part(task, folder, rank)
    try:
        while child.poll() is None and run.state.execution == task.execution:
            time.sleep(LOOK_EVERY_S)
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
    if child.returncode and not _ends_within(run, task.execution, LAST_WORDS_S):
        raise RunError(
            f"This node's part of {folder.name} ended before the training did (code {child.returncode}); its last "
            "words stand above. Stop the first node and start all nodes again: the run goes on from its last epoch."
        )


def _ends_within(run: Run, execution: str, seconds: float) -> bool:
    """Whether an execution ends in that time: the first node is the one that can say why."""
    deadline = time.monotonic() + seconds
    while (running := run.state.execution == execution) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    return not running


def _refuse_unfinished(run: Run, state: JobState) -> None:
    if state.status == "done":
        return
    why = f": {state.message}" if state.message else "."
    raise RunError(f"{run.id} {state.status if state.status != 'running' else 'was started anew'}{why}")
