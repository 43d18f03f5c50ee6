"""A training in processes of its own: what more than one device needs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

from cxrkd.errors import RunError
from cxrkd.models.classifier import Classifier
from cxrkd.places import isolated_environment, isolated_python
from cxrkd.train.callbacks import EpochReport, OnEvent
from cxrkd.train.fit import FitReport
from cxrkd.train.task import TRAINED, Task, read_tensors

GRACE_S = 20.0


def fit_apart(model: Classifier, task: Task, folder: Path, on_event: OnEvent) -> FitReport:
    """As `fit`, by `python -m cxrkd.train`: the model is trained in place, and a checkpoint in the folder gone on from.

    Raises:
        RunError: what the training said when it gave up, or that it ended without a word.
    """
    task.write(folder, model)
    ended: dict[str, Any] = {}
    with closing(_events(folder)) as events:
        for event in events:
            if event["kind"] in ("error", "report"):
                ended = event
            else:
                on_event(event)
    if ended.get("kind") != "report":
        raise RunError(ended.get("message", "The training ended without a word: the log may have the details."))
    read_tensors(model, folder / TRAINED)
    model.eval()
    epochs = tuple(EpochReport(**epoch) for epoch in ended["epochs"])
    return FitReport(epochs, ended["resumed_epochs"], ended["val_auroc"], ended["steps"])


def _events(folder: Path) -> Generator[dict[str, Any], None, None]:
    """What the training of a folder tells, until it ends; it ends when nobody listens any more."""
    command = [*isolated_python(), "-m", "cxrkd.train", str(folder)]
    with subprocess.Popen(command, env=isolated_environment(), stdout=subprocess.PIPE, text=True) as child:
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
