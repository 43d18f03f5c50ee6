"""A training in processes of its own: what more than one device, and more than one machine, needs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

from cxrkd.errors import DivergedError, RunError
from cxrkd.models.classifier import Classifier
from cxrkd.places import isolated_environment, isolated_python
from cxrkd.progress import OnEvent
from cxrkd.train.callbacks import EpochReport
from cxrkd.train.fit import FitReport
from cxrkd.train.task import TRAINED, Task, read_tensors

GRACE_S = 20.0
LAUNCHERS = ("LOCAL_", "RANK", "WORLD_SIZE", "GROUP_", "ROLE_", "MASTER_", "NODE_RANK", "TORCHELASTIC_")


def fit_apart(model: Classifier, task: Task, folder: Path, on_event: OnEvent) -> FitReport:
    """As `fit`, by `python -m cxrkd.train`: the model is trained in place, and a checkpoint in the folder gone on from.

    Raises:
        RunError: what the training said when it gave up, or that it ended without a word.
    """
    task.write(folder, model)
    ended: dict[str, Any] = {}
    with closing(_events(task, folder)) as events:
        for event in events:
            if event["kind"] in ("error", "report"):
                ended = event
            else:
                on_event(event)
    if ended.get("kind") != "report":
        kind = DivergedError if ended.get("diverged") else RunError
        raise kind(ended.get("message", _without_a_word(task)))
    read_tensors(model, folder / TRAINED)
    model.eval()
    epochs = tuple(EpochReport(**epoch) for epoch in ended["epochs"])
    return FitReport(epochs, ended["resumed_epochs"], ended["val_auroc"], ended["steps"])


def take_part(task: Task, folder: Path, rank: int) -> subprocess.Popen[str]:
    """Start the training of a folder on the node of that rank. What it tells is on stdout, of the first node only."""
    command = [*isolated_python(), "-m", "cxrkd.train", str(folder)]
    return subprocess.Popen(command, env=_environment(task, rank), stdout=subprocess.PIPE, text=True)


def meeting_point() -> tuple[str, int]:
    """Where other nodes meet the first one, this: its name, or what MASTER_ADDR says, and a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return os.environ.get("MASTER_ADDR") or socket.gethostname(), int(probe.getsockname()[1])


def _without_a_word(task: Task) -> str:
    if task.nodes == 1:
        return "The training ended without a word: the log may have the details."
    return (
        f"The training on {task.nodes} nodes ended before it was done: a node was lost, or could not be reached at "
        f"{task.address} (the log may have the details). Start all nodes again: it goes on from its last epoch."
    )


def _environment(task: Task, rank: int) -> dict[str, str]:
    """Of the first process of a node: a launcher's own words about ranks and meeting points are not about this one.

    Under torchrun's TORCHELASTIC_USE_AGENT_STORE, for one, no process would open the meeting point.
    """
    kept = {name: value for name, value in isolated_environment().items() if not name.startswith(LAUNCHERS)}
    met = {"MASTER_ADDR": task.address, "MASTER_PORT": str(task.port)} if task.port is not None else {}
    return {**kept, "NODE_RANK": str(rank), **met}


def _events(task: Task, folder: Path) -> Generator[dict[str, Any], None, None]:
    """What the training of a folder tells, until it ends; it ends when nobody listens any more."""
    with take_part(task, folder, 0) as child:
        assert child.stdout is not None  # asked for in the line above
        try:
            for line in child.stdout:
                yield json.loads(line)
        except BaseException:
            _end(child)
            raise


def _end(child: subprocess.Popen[str]) -> None:
    """End the processes of a training; Lightning passes the signal on to those that it started."""
    child.terminate()
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
