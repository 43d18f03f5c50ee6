"""A run is a folder. What ships, what the command line makes and what a click makes are read by this one class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from cxrkd.config import MEMBERS, Member, RunConfig
from cxrkd.data.cohort import Split
from cxrkd.errors import RunError
from cxrkd.jobs.files import (
    damaged,
    parsing,
    read_json,
    require_file,
    require_place_for_file,
)
from cxrkd.jobs.job import SHIPPED, Job, list_jobs, list_own_jobs, open_job
from cxrkd.jobs.schema import read_recorded
from cxrkd.refusals import refusals
from cxrkd.runs.describing import Description, read_description
from cxrkd.runs.epochs import TellsOfTrainings
from cxrkd.runs.metrics import VERSION, RunMetrics, measure
from cxrkd.runs.predictions import CASES, TRIVIAL, Answerer, HeldOut, Predictions, has_logits, read_held_out
from cxrkd.runs.predictions import FOLDER as PREDICTIONS
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

CONFIG, LABELS, METRICS = "config.json", "labels.json", "metrics.json"
IMAGES = "work/images.json"
"""Images in all and to train on, as they were counted when the run was made: until it is done."""
CONFIG_VERSION = 1


@dataclass(frozen=True)
class Run(TellsOfTrainings, Job):
    """One run folder. Reading is lazy: nothing is opened before it is asked for."""

    @cached_property
    def config(self) -> RunConfig:
        """What the run was told.

        Raises:
            RunError: the file is missing, damaged, or written by another version.
        """
        return read_recorded(self.path / CONFIG, CONFIG_VERSION, RunConfig)

    def require_settings(self) -> None:
        """Read its config."""
        _ = self.config

    def require_current(self) -> None:
        """Refuse to go on with a run that was asked for when less was refused, or of networks that are not here.

        Raises:
            RunError: its settings are refused today.
            ConfigError: a network does not exist, or does not take the images.
        """
        try:
            RunConfig.model_validate(self.config.model_dump())
        except ValidationError as error:
            why = next(iter(refusals(error, lambda key: f"the {key.rpartition('.')[2]}").values())).rstrip(".")
            text = f"{self.id} cannot go on as it was asked: {why[:1].lower()}{why[1:]}, in a new run."
            raise RunError(text) from error
        require_networks(self.config)

    def counted(self) -> tuple[float, float] | None:
        """Images in all and to train on; None where nobody wrote them down, or the file is damaged."""
        try:
            n, n_train = (float(count) for count in read_json(self.path / IMAGES))
        except (RunError, TypeError, ValueError):
            return None
        return n, n_train

    @property
    def name(self) -> str:
        """What it is called: the name that it was given last."""
        return self.description.name or self.config.name

    @property
    def description(self) -> Description:
        """Its new name, if it has one, and what was noted on it; read from disk each time.

        Raises:
            RunError: the file is damaged.
        """
        return read_description(self.path)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels its networks answer, in order.

        Raises:
            RunError: the file is missing or damaged.
        """
        labels = read_json(self.path / LABELS)
        if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
            raise damaged(self.path / LABELS, f"expected a list of names, got {shown(labels)}")
        if not labels or len(set(labels)) != len(labels):
            raise damaged(self.path / LABELS, "expected different names, one at least")
        return tuple(labels)

    def weights_path(self, member: Member) -> Path:
        """Where a member's weights are, whether or not they exist.

        A teacher that two shipped runs share ships once, in the run that trained it.
        """
        own = self.path / "models" / f"{member}.safetensors"
        if self.shipped and member == "teacher" and self.config.teacher_from and not own.exists():
            return SHIPPED / self.config.teacher_from / "models" / own.name
        return own

    def members(self) -> list[Member]:
        """The members whose weights are there."""
        return [member for member in MEMBERS if os.path.exists(self.weights_path(member))]

    def load_model(self, member: Member) -> Classifier:
        """A member's network on the CPU, in evaluation mode.

        Raises:
            RunError: it is not there, its file is damaged, or it is of other labels or another size than the run.
        """
        from cxrkd.models.weights import load_weights  # torch takes seconds to import; listing runs must not

        if not os.path.lexists(self.weights_path(member)):
            raise RunError(
                f"{self.id} has no weights of member {member!r}; it has {', '.join(self.members()) or 'none'}"
            )
        path = require_file(self.weights_path(member))
        with parsing(path):
            model = load_weights(path)
        size = self.config.data.image_size
        if (model.labels, model.input_size) != (self.labels, size):
            raise RunError(
                f"{self.id}: models/{path.name} is of another run: expected the {len(self.labels)} labels of {LABELS} "
                f"at {size} px, got other labels or another size. Restore the file."
            )
        return model

    def has_predictions(self, who: Answerer) -> bool:
        """Whether there are any of a member, or of the trivial model."""
        return any(has_logits(self.path, who, seed) for seed in self.config.seeds)

    def predictions(self, who: Answerer, split: Split = "test") -> Predictions:
        """Logits of a member, or of the trivial model, on held-out images, over all seeds.

        Raises:
            RunError: there are none, or they are damaged.
        """
        held_out = self._read_held_out([who])
        return (held_out.val if split == "val" else held_out.test)[who]

    def held_out(self) -> HeldOut:
        """What its members, and the trivial model where it was asked, answered about held-out images.

        Raises:
            RunError: it has no networks, or predictions are missing or damaged.
        """
        members = self.members()
        if not members:
            raise RunError(
                f"{self.id} has no networks to measure: its weights are not there; let the run finish or restore them"
            )
        return self._read_held_out([*members, TRIVIAL] if self.has_predictions(TRIVIAL) else [*members])

    def _read_held_out(self, who: Sequence[Answerer]) -> HeldOut:
        folder, labels, seeds = self.path / PREDICTIONS, self.labels, self.config.seeds
        for path in (folder / CASES, *(folder / f"{one}-seed{seed}.npz" for one in who for seed in seeds)):
            require_place_for_file(path)  # numpy and pandas would wait for a pipe
        with parsing(folder):
            return read_held_out(self.path, who, labels, seeds)

    def archs(self) -> dict[Member, str]:
        """Name of the network of each member whose weights are there."""
        config = self.config
        return {who: config.teacher_arch if who == "teacher" else config.student_arch for who in self.members()}

    def measure(self, labels: Sequence[str] | None = None) -> RunMetrics:
        """Every figure, from the kept predictions alone.

        Args:
            labels: some of the run's, to measure and to average over; all when None.

        Raises:
            RunError: predictions are missing or damaged.
        """
        held_out = self.held_out()
        return measure(held_out if labels is None else held_out.of(labels), self.archs())

    def metrics(self) -> RunMetrics:
        """The measured figures: those stored, or of a file of another version, measured again from the predictions.

        Raises:
            RunError: the run has not come that far, or a file is damaged.
        """
        if not self.metrics_are_current():
            return self.measure()
        path = self.path / METRICS
        try:
            metrics = RunMetrics.from_dict(read_json(path))
        except ValueError as error:
            raise damaged(path, str(error)) from error
        if metrics.labels != self.labels:
            raise damaged(path, f"it is about other labels than {LABELS}")
        return metrics

    def metrics_are_current(self) -> bool:
        """Whether the stored figures are of this version.

        Raises:
            RunError: the run has not come that far, or the file is no JSON.
        """
        stored = read_json(self.path / METRICS)
        return isinstance(stored, dict) and stored.get("version") == VERSION

    def thresholds(self, member: Member) -> np.ndarray:
        """Operating point of each label, probabilities (K,), chosen on val (Youden).

        Raises:
            RunError: the run has not come that far, or has no such member.
        """
        return self.metrics().of(member).thresholds_array()


def require_networks(config: RunConfig) -> None:
    """Refuse networks that do not exist, or do not take images of the run's size.

    Raises:
        ConfigError: says which.
    """
    from cxrkd.models.zoo import check_network  # seconds of imports

    check_network(config.teacher_arch, config.data.image_size)
    check_network(config.student_arch, config.student_works_at)


def list_runs() -> list[Run]:
    """Every run: shipped ones first, then own ones, newest first. Those that cannot be read are among them.

    Raises:
        RunError: the folder of runs cannot be read.
    """
    return [job for job in list_jobs() if isinstance(job, Run)]


def list_own_runs() -> list[Run]:
    """Every run made on this machine, newest first.

    Raises:
        RunError: the folder of runs cannot be read.
    """
    return [job for job in list_own_jobs() if isinstance(job, Run)]


def open_run(id_or_path: str | Path) -> Run:
    """A run by its id, or by its folder; one that cannot be read is opened too.

    Raises:
        RunError: there is none; lists those there are.
    """
    job = open_job(id_or_path)
    if not isinstance(job, Run):
        raise RunError(f"{job.id} is no distillation but another kind of job")
    return job
