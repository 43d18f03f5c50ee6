"""One training in a folder, so that processes that know nothing of each other can do it together.

The folder holds what is to be trained (`task.json`), the weights that it starts from, the checkpoint of `fit`, and in
the end the weights that it came to. Both are kept as they are, in float32: a training goes on from them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from cxrkd.access.confine import confined
from cxrkd.atomic import replacing
from cxrkd.checksums import ChecksumError, check, seal
from cxrkd.config import Member, RunConfig, Strict, TrainConfig
from cxrkd.data import load_cohort
from cxrkd.data.cohort import Cohort
from cxrkd.distill.facts import Facts
from cxrkd.distill.loss import LabelHints, Loss, control, objective, plain
from cxrkd.errors import RunError
from cxrkd.models.classifier import Classifier
from cxrkd.models.weights import load_weights
from cxrkd.models.zoo import build
from cxrkd.places import home
from cxrkd.train.beginning import begun_teacher
from cxrkd.train.device import device
from cxrkd.train.fit import FitReport, fit
from cxrkd.train.teacher_cache import teacher_logits

TASK = "task.json"
START = "start.safetensors"
TRAINED = "trained.safetensors"
OWNED = "objective.safetensors"


class Task(Strict):
    """What is trained: one network of a run.

    Attributes:
        config: of the run, which names data, objective and how long.
        member: which of its networks; it decides the loss and the settings.
        arch: of the network.
        labels: of the network, in the order of its logits.
        input_size: in pixels.
        shrinks_to: side that it averages its input down to.
        seed: of the order of the films and of dropout.
        devices: processes on each node; all nodes' share every batch.
        nodes: machines that take part.
        address: where the first node's first process is met by the others.
        port: there; None where one node finds one by itself.
        execution: of the run, by whose name other nodes know that it is not of an earlier one.
        facts: what the loss knows of the run beside its batches.
        teacher: the teacher's weights file, where one teaches.
        roots: folders that may be read, of a run that a page asked for; None reads everywhere.
    """

    config: RunConfig
    member: Member
    arch: str
    labels: tuple[str, ...]
    input_size: int
    shrinks_to: int | None = None
    seed: int
    devices: int = Field(1, ge=1)
    nodes: int = Field(1, ge=1)
    address: str = "127.0.0.1"
    port: int | None = Field(None, ge=1, le=65535)
    execution: str = ""
    facts: Facts = Facts()
    teacher: Path | None = None
    roots: tuple[Path, ...] | None = None

    @property
    def train(self) -> TrainConfig:
        """How the member is trained."""
        return self.config.teacher_train if self.member == "teacher" else self.config.student_train

    @property
    def look(self) -> int:
        """Seed of the views. Students of a run see the same ones, so that their teacher answers each of them once."""
        return self.seed if self.member == "teacher" else self.config.seeds[0]

    @property
    def processes(self) -> int:
        """Processes on all nodes together."""
        return self.devices * self.nodes

    def learned_from(self, teacher: Classifier | None, cohort: Cohort) -> Classifier | None:
        """The teacher that the loss is made for: `teacher`, which is asked, or one that is to learn along, as it began.

        Raises:
            ConfigError: the weights that it began from are not here.
        """
        along = self.member == "distilled" and self.config.objective.trains_teacher
        return begun_teacher(self.config, cohort) if along else teacher

    def loss(self, model: Classifier, teacher: Classifier | None) -> Loss:
        """What the member learns by; `teacher` as of `learned_from`."""
        hints = LabelHints(self.train.absent, self.train.lesions, self.train.smoothing)
        if self.member == "teacher":
            return plain(hints)
        if self.member == "alone":
            return control(self.config.objective, hints, self.facts)
        return objective(self.config.objective, model, teacher, hints, self.facts)

    def write(self, folder: Path, model: Classifier) -> None:
        """Lay the task into a folder, to start from the weights of `model`."""
        with replacing(folder / TASK) as part:
            part.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        write_tensors(model, folder / START)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The task of a folder.

        Raises:
            RunError: there is none, or it is not what this version writes.
        """
        try:
            text = (folder / TASK).read_text(encoding="utf-8")
            return cls.recorded(json.loads(text))
        except (OSError, ValueError) as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise RunError(f"{folder} holds no training: expected a readable {TASK} ({first}).") from error


def train_folder(folder: Path, tell: Callable[[dict[str, object]], None], *, writes: bool) -> FitReport:
    """Do the training of a folder and leave its weights there; `writes` in one process of several.

    Raises:
        CxrkdError: what the folder holds cannot be read or trained.
    """
    task = Task.read(folder)
    with nullcontext() if task.roots is None else confined(task.roots):
        return _train(task, folder, tell, writes=writes)


def _train(task: Task, folder: Path, tell: Callable[[dict[str, object]], None], *, writes: bool) -> FitReport:
    cohort = load_cohort(task.config.data)
    model = build(task.arch, task.labels, task.input_size, shrinks_to=task.shrinks_to)
    read_tensors(model, folder / START)
    how: dict[str, Any] = {
        "seed": task.seed,
        "look": task.look,
        "work_dir": folder,
        "on_event": tell,
        "devices": task.devices,
        "nodes": task.nodes,
    }
    answers = _teacher(task, cohort)
    torch.manual_seed(task.seed)  # what an objective owns starts alike in every process
    loss = task.loss(model, task.learned_from(answers.get("teacher"), cohort))
    report = fit(model, cohort, task.train, loss, **answers, **how)
    if writes:
        write_tensors(model, folder / TRAINED)
        keep_objective(loss, folder / OWNED)
    return report


def _teacher(task: Task, cohort: Cohort) -> dict[str, Any]:
    """The argument of `fit` that names the teacher."""
    if task.teacher is None:
        return {}
    teacher = load_weights(task.teacher)
    if task.config.objective.view == "same":
        return {"teacher": teacher}
    return {"teacher_logits": teacher_logits(teacher.to(device()), cohort, home() / "cache" / "teacher_logits")}


def keep_objective(loss: Loss, path: Path) -> None:
    """What an objective owns, so that what was learned can be looked into; no file where it owns nothing."""
    if loss.state_dict():
        write_tensors(loss, path)


def write_tensors(model: nn.Module, path: Path) -> None:
    """The weights of a network, or what else a module owns, as they are."""
    with replacing(path) as part:
        save_file({name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}, part)
        seal(part)


def read_tensors(model: Classifier, path: Path) -> None:
    """Give a network the weights of a file of `write_tensors`.

    Raises:
        RunError: the file is missing, damaged or of another network.
    """
    try:
        check(path)
        model.load_state_dict(load_file(path))
    except (OSError, ChecksumError, SafetensorError, RuntimeError) as error:
        raise RunError(f"{path} does not hold the weights of {model.arch}: {error}") from error
