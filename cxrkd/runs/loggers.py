"""Where the curves of a job can be written besides its own folder: TensorBoard and MLflow, where somebody has them.

Neither is a requirement of this package. Both say how many epochs they have of a job, so that what was written before
is not written twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from cxrkd.atomic import replacing
from cxrkd.errors import ConfigError
from cxrkd.text import shown


class Logger(Protocol):
    """Takes the curves of one job."""

    def written(self) -> int:
        """How many epochs of the job it has already."""

    def settings(self, values: Mapping[str, str]) -> None:
        """Keep what the job was asked, dotted key -> value."""

    def epoch(self, stage: str, number: int, seconds: float, values: Mapping[str, float]) -> None:
        """Keep the figures of an epoch of a training, at a moment in epoch seconds."""

    def close(self, written: int) -> None:
        """Write out what is kept, and how many epochs of the job that makes."""


@dataclass(frozen=True)
class TensorBoard:
    """A folder of event files for each training, so that their curves lie over one another.

    Attributes:
        where: folder that `tensorboard --logdir` is given.
        job: id of the job.
    """

    where: str
    job: str

    @cached_property
    def _make(self) -> Any:
        try:
            return import_module("torch.utils.tensorboard").SummaryWriter
        except ImportError as error:
            raise _missing("TensorBoard", "tensorboard") from error

    @cached_property
    def _writers(self) -> dict[str, Any]:
        return {}

    @property
    def _folder(self) -> Path:
        return Path(self.where).expanduser() / self.job

    @property
    def _record(self) -> Path:
        return self._folder / "cxrkd.json"

    def _writer(self, stage: str) -> Any:
        if stage not in self._writers:
            self._writers[stage] = self._make(str(self._folder / stage))
        return self._writers[stage]

    def written(self) -> int:
        """How many epochs of the job it has already; none where the record is missing or damaged."""
        _ = self._make
        try:
            return int(json.loads(self._record.read_text(encoding="utf-8"))["epochs"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def settings(self, values: Mapping[str, str]) -> None:
        """As a table of text."""
        rows = "".join(f"| {key} | {value} |\n" for key, value in values.items())
        self._writer("settings").add_text("settings", f"| setting | value |\n|---|---|\n{rows}")

    def epoch(self, stage: str, number: int, seconds: float, values: Mapping[str, float]) -> None:
        """A scalar each."""
        for name, value in values.items():
            self._writer(stage).add_scalar(name, value, number, seconds)

    def close(self, written: int) -> None:
        """Close the event files."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._record) as part:
            part.write_text(json.dumps({"epochs": written}), encoding="utf-8")


@dataclass(frozen=True)
class MLflow:
    """One run in the experiment "cxrkd", with `training/figure` as the names of its metrics.

    Attributes:
        where: tracking URI.
        job: id of the job, the run's name there.
    """

    where: str
    job: str

    @cached_property
    def _client(self) -> Any:
        try:
            return import_module("mlflow").MlflowClient(tracking_uri=self.where)
        except ImportError as error:
            raise _missing("MLflow", "mlflow") from error

    @cached_property
    def _run(self) -> Any:
        """The run of this job, made where there is none."""
        experiment = self._client.get_experiment_by_name("cxrkd")
        number = experiment.experiment_id if experiment else self._client.create_experiment("cxrkd")
        kept = self._client.search_runs([number], f"tags.`cxrkd.job` = '{self.job}'")
        return kept[0] if kept else self._client.create_run(number, tags={"cxrkd.job": self.job}, run_name=self.job)

    def written(self) -> int:
        """How many epochs of the job it has already."""
        return int(self._run.data.tags.get("cxrkd.epochs", "0"))

    def settings(self, values: Mapping[str, str]) -> None:
        """As parameters, which are written once."""
        for key, value in values.items():
            self._client.log_param(self._run.info.run_id, key, value)

    def epoch(self, stage: str, number: int, seconds: float, values: Mapping[str, float]) -> None:
        """A metric each."""
        for name, value in values.items():
            self._client.log_metric(self._run.info.run_id, f"{stage}/{name}", value, int(seconds * 1e3), number)

    def close(self, written: int) -> None:
        """Say how far it is."""
        self._client.set_tag(self._run.info.run_id, "cxrkd.epochs", str(written))


LOGGERS: dict[str, Callable[[str, str], Logger]] = {"tensorboard": TensorBoard, "mlflow": MLflow}


def logger_of(target: str, job: str) -> Logger:
    """The logger that `tensorboard:DIR` or `mlflow:URI` names.

    Raises:
        ConfigError: it names none.
    """
    name, _, where = target.partition(":")
    if name not in LOGGERS or not where:
        raise ConfigError(f"Expected tensorboard:DIR or mlflow:URI, got {shown(target)}.")
    return LOGGERS[name](where, job)


def _missing(title: str, package: str) -> ConfigError:
    return ConfigError(
        f"{title} is not installed here, and cxrkd does not need it: pip install {package}, or do without."
    )
