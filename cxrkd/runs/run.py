"""A run is a folder. What ships, what the command line makes and what a click makes are read by this one class."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from cxrkd.config import MEMBERS, Member, RunConfig, home
from cxrkd.data.cohort import Split
from cxrkd.errors import RunError
from cxrkd.places import ASSETS
from cxrkd.refusals import refusals
from cxrkd.runs.events import Event, read_events
from cxrkd.runs.files import (
    MissingFileError,
    damaged,
    parsing,
    read_bytes,
    read_json,
    read_versioned,
    require_file,
    require_place_for_file,
)
from cxrkd.runs.metrics import VERSION, RunMetrics, measure_run
from cxrkd.runs.predictions import CASES, Answerer, Predictions, has_logits, read_predictions
from cxrkd.runs.predictions import FOLDER as PREDICTIONS
from cxrkd.runs.schema import reason
from cxrkd.runs.state import LAST_S, STATE, RunState, read_state
from cxrkd.text import legible, shown

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

SHIPPED = ASSETS / "runs"
CONFIG, EVENTS, LABELS, ENVIRONMENT, LOG, METRICS = (
    "config.json",
    "events.jsonl",
    "labels.json",
    "environment.json",
    "log.txt",
    "metrics.json",
)
CONFIG_VERSION = ENVIRONMENT_VERSION = 1
_SIGNS = (CONFIG, STATE, EVENTS, LABELS, METRICS, ENVIRONMENT, "models", "predictions")  # of a run, whole or not


def own_runs() -> Path:
    """Folder of the runs made on this machine."""
    return home() / "runs"


@dataclass(frozen=True)
class Run:
    """One run folder. Reading is lazy: nothing is opened before it is asked for."""

    path: Path

    @property
    def id(self) -> str:
        """Name of the folder; unique among the runs of a machine."""
        return legible(self.path.name)

    @property
    def shipped(self) -> bool:
        """Whether it came with the package; such runs are read-only."""
        return self.path.parent.resolve() == SHIPPED

    @cached_property
    def config(self) -> RunConfig:
        """What the run was told.

        Raises:
            RunError: the file is missing, damaged, or written by another version.
        """
        values = read_versioned(self.path / CONFIG, CONFIG_VERSION)
        try:
            return RunConfig.recorded(values)
        except ValidationError as error:
            raise damaged(self.path / CONFIG, reason(error)) from error

    @property
    def state(self) -> RunState:
        """Where the run stands now, read from disk each time.

        It is "unreadable", with the reason as its message, where the run's own files cannot be read: lists stay whole.
        """
        stored = RunState("unreadable", created=self._touched())
        try:
            stored = read_state(self.path)
            _ = self.config
        except RunError as error:
            return stored.at_rest("unreadable", stage="", message=str(error))
        return stored

    def _touched(self) -> float:
        try:
            return min(max(os.lstat(self.path).st_mtime, 0.0), LAST_S)
        except OSError:
            return 0.0

    def require_readable(self) -> RunState:
        """Its state, for whoever is going to change the run.

        Raises:
            RunError: it is unreadable; the reason.
        """
        state = self.state
        if state.status == "unreadable":
            raise RunError(state.message)
        return state

    @property
    def name(self) -> str:
        """The name it was given."""
        return self.config.name

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels its networks answer, in order.

        Raises:
            RunError: the file is missing or damaged.
        """
        found = read_json(self.path / LABELS)
        if not isinstance(found, list) or not all(isinstance(label, str) and label for label in found):
            raise damaged(self.path / LABELS, f"expected a list of names, got {shown(found)}")
        if not found or len(set(found)) != len(found):
            raise damaged(self.path / LABELS, "expected different names, one at least")
        return tuple(found)

    def events(self) -> list[Event]:
        """Everything that happened, oldest first."""
        return read_events(self.path / EVENTS)

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
            RunError: it is not there, or its file is damaged.
        """
        from cxrkd.models.weights import load_weights  # torch takes seconds to import; listing runs must not

        if not os.path.lexists(self.weights_path(member)):
            raise RunError(
                f"{self.id} has no weights of member {member!r}; it has {', '.join(self.members()) or 'none'}"
            )
        path = require_file(self.weights_path(member))
        with parsing(path):
            return load_weights(path)

    def has_predictions(self, who: Answerer) -> bool:
        """Whether there are any of a member, or of the trivial model."""
        return any(has_logits(self.path, who, seed) for seed in self.config.seeds)

    def predictions(self, who: Answerer, split: Split = "test") -> Predictions:
        """Logits of a member, or of the trivial model, on held-out images, over all seeds.

        Raises:
            RunError: there are none, or they are damaged.
        """
        folder, labels, seeds = self.path / PREDICTIONS, self.labels, self.config.seeds
        for path in (folder / CASES, *(folder / f"{who}-seed{seed}.npz" for seed in seeds)):
            require_place_for_file(path)  # numpy and pandas would wait for a pipe
        with parsing(folder):
            return read_predictions(self.path, who, split, labels, seeds)

    def metrics(self) -> RunMetrics:
        """The measured figures: those stored, or of a file of another version, measured again from the predictions.

        Raises:
            RunError: the run has not come that far, or a file is damaged.
        """
        if not self.metrics_are_current():
            return measure_run(self)
        path = self.path / METRICS
        try:
            found = RunMetrics.from_dict(read_json(path))
        except ValueError as error:
            raise damaged(path, str(error)) from error
        if found.labels != self.labels:
            raise damaged(path, f"it is about other labels than {LABELS}")
        return found

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

    def environment(self) -> dict[str, object]:
        """What it was made with, and seconds per stage.

        Raises:
            RunError: the run is not done, or the file is damaged.
        """
        return read_versioned(self.path / ENVIRONMENT, ENVIRONMENT_VERSION)


def list_runs() -> list[Run]:
    """Every run: shipped ones first, then own ones, newest first. Those that cannot be read are among them.

    Raises:
        RunError: the folder of runs cannot be read.
    """
    return _in_folder(SHIPPED) + list_own_runs()


def list_own_runs() -> list[Run]:
    """Every run made on this machine, newest first.

    Raises:
        RunError: the folder of runs cannot be read.
    """
    return _in_folder(own_runs())


def holds_run(path: Path) -> bool:
    """Whether a folder is a run, be it readable or not: it has a file of one, or hides what it has."""
    if path.name.startswith("."):
        return False
    if not os.path.isdir(path):
        return path.is_symlink() and not os.path.exists(path)
    return not os.access(path, os.R_OK | os.X_OK) or any(os.path.lexists(path / sign) for sign in _SIGNS)


def _in_folder(folder: Path) -> list[Run]:
    try:
        runs = [Run(path) for path in folder.iterdir() if holds_run(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"cannot read the runs in {folder} ({error.strerror or error}). Check its rights.") from error
    found = [(run.state, run) for run in runs]
    there = [(state, run) for state, run in found if state.status != "unreadable" or holds_run(run.path)]  # not deleted
    return [run for _, run in sorted(there, key=lambda item: (*(-part for part in item[0].turn), item[1].id))]


def open_run(id_or_path: str | Path) -> Run:
    """A run by its id, or by its folder; one that cannot be read is opened too.

    Raises:
        RunError: there is none; lists those there are.
    """
    text = str(id_or_path)
    by_id = [folder / text for folder in (SHIPPED, own_runs())] if text == Path(text).name else []
    for path in [*by_id, Path(id_or_path)]:
        if _may_hold_run(path):
            # The name stays as it is: a link among the runs is deleted as a link.
            return Run(path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve())
    runs = list_runs()
    escaped = next((run for run in runs if run.id == text), None)
    if escaped is not None:
        return escaped
    known = ", ".join(run.id for run in runs) or "none"
    raise RunError(f"expected the id or the folder of a run, got {shown(text)}; runs on this machine: {known}")


def _may_hold_run(path: Path) -> bool:
    try:
        return holds_run(path)
    except (OSError, ValueError):  # a name too long for any file, or with a NUL
        return False


def require_current(run: Run) -> None:
    """Refuse to go on with a run that was asked for when less was refused.

    Raises:
        RunError: its config would be refused today; says why.
    """
    try:
        RunConfig.model_validate(run.config.model_dump())
    except ValidationError as error:
        why = next(iter(refusals(error, lambda key: f"the {key.rpartition('.')[2]}").values())).rstrip(".")
        raise RunError(f"{run.id} cannot go on as it was asked: {why[:1].lower()}{why[1:]}, in a new run.") from error


def log_tail(run: Run, n: int = 200) -> list[str]:
    """The last `n` lines of the run's log; empty when it has none."""
    try:
        text = read_bytes(run.path / LOG).decode("utf-8", "replace")
    except MissingFileError:
        return []
    return text.splitlines()[-n:]
