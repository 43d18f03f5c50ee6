"""A run is a folder. What ships, what the command line makes and what a click makes are read by this one class."""

from __future__ import annotations

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
from cxrkd.runs.files import read_json
from cxrkd.runs.metrics import VERSION, RunMetrics, measure_run
from cxrkd.runs.predictions import Answerer, Predictions, has_logits, read_predictions
from cxrkd.runs.state import RunState, read_state

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
        return self.path.name

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
        try:
            return RunConfig.recorded(read_json(self.path / CONFIG))
        except ValidationError as error:
            first = next(iter(refusals(error, lambda key: key).values()))
            raise RunError(f"{self.id}: {CONFIG} is not understood ({first.rstrip('.')})") from error

    @property
    def state(self) -> RunState:
        """Where the run stands now, read from disk each time."""
        return read_state(self.path)

    @property
    def name(self) -> str:
        """The name it was given."""
        return self.config.name

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels its networks answer, in order."""
        return tuple(read_json(self.path / LABELS))

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
        return [member for member in MEMBERS if self.weights_path(member).exists()]

    def load_model(self, member: Member) -> Classifier:
        """A member's network on the CPU, in evaluation mode.

        Raises:
            RunError: it is not there, or its file is damaged.
        """
        from cxrkd.models.weights import load_weights  # torch takes seconds to import; listing runs must not

        if not self.weights_path(member).exists():
            raise RunError(
                f"{self.id} has no weights of member {member!r}; it has {', '.join(self.members()) or 'none'}"
            )
        return load_weights(self.weights_path(member))

    def has_predictions(self, who: Answerer) -> bool:
        """Whether there are any of a member, or of the trivial model."""
        return any(has_logits(self.path, who, seed) for seed in self.config.seeds)

    def predictions(self, who: Answerer, split: Split = "test") -> Predictions:
        """Logits of a member, or of the trivial model, on held-out images, over all seeds.

        Raises:
            RunError: there are none, or they are damaged.
        """
        return read_predictions(self.path, who, split, self.labels, self.config.seeds)

    def metrics(self) -> RunMetrics:
        """The measured figures: those stored, or of a file of another version, measured again from the predictions.

        Raises:
            RunError: the run has not come that far, or a file is damaged.
        """
        return RunMetrics.from_dict(read_json(self.path / METRICS)) if self.metrics_are_current() else measure_run(self)

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
        """What it was made with, and seconds per stage."""
        return dict(read_json(self.path / ENVIRONMENT))


def list_runs() -> list[Run]:
    """Every readable run: shipped ones first, then own ones, newest first."""
    return _in_folder(SHIPPED) + list_own_runs()


def list_own_runs() -> list[Run]:
    """Every readable run made on this machine, newest first."""
    return _in_folder(own_runs())


def _in_folder(folder: Path) -> list[Run]:
    if not folder.is_dir():
        return []
    found = []
    for path in folder.iterdir():
        try:
            found.append((Run(path).state.created, Run(path)))
        except RunError:  # being written or being deleted, or not a run: nothing to show
            continue
    return [run for _, run in sorted(found, key=lambda item: (-item[0], item[1].id))]


def open_run(id_or_path: str | Path) -> Run:
    """A run by its id, or by its folder.

    Raises:
        RunError: there is none; lists those there are.
    """
    text = str(id_or_path)
    by_id = [folder / text for folder in (SHIPPED, own_runs())] if text == Path(text).name else []
    for path in [*by_id, Path(id_or_path)]:
        if (path / CONFIG).is_file():
            return Run(path.resolve())
    known = ", ".join(run.id for run in list_runs()) or "none"
    raise RunError(f"expected the id or the folder of a run, got {text!r}; runs on this machine: {known}")


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
        text = (run.path / LOG).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-n:]
