"""What is kept of a stress test: a job beside the run that it is about, because shipped runs are read-only.

<job>/stress.json           what was asked: the run, and which films
      films.npz             ids, patients and targets of the films, sealed
      logits/<name>.npz     by member, float32 (N, K), sealed; `clean` are the films as they came
      figures.json          what is measured from these, and the checksums of the weights that were asked
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from cxrkd.atomic import replacing
from cxrkd.checksums import check, identity, seal
from cxrkd.config import DataConfig, Member, data_summary
from cxrkd.config.strict import Strict
from cxrkd.errors import RunError
from cxrkd.evaluate.stress import StressMetrics, measure_stress
from cxrkd.jobs.files import cannot_write, damaged, read_json, read_versioned, require_file, write_json
from cxrkd.jobs.job import Job, list_jobs
from cxrkd.jobs.schema import read_recorded
from cxrkd.logits import require_numbers
from cxrkd.runs.run import Run, open_run

ASKED, FILMS, FIGURES, LOGITS = "stress.json", "films.npz", "figures.json", "logits"
ASKED_VERSION = FIGURES_VERSION = 1
CLEAN = "clean"
"""Name of the films as they came, among those of the degradations."""


class StressConfig(Strict):
    """What a stress test was asked."""

    run: str = Field(title="Run", description="id or folder")
    data: DataConfig | None = Field(None, title="Other films", description="the run's own test films if not given")
    folder: Path | None = Field(None, title="Folder", description="where the run's data set is, if not where it was")


@dataclass(frozen=True)
class StressJob(Job):
    """One stress test."""

    @cached_property
    def config(self) -> StressConfig:
        """What was asked.

        Raises:
            RunError: the file is missing, damaged, or written by another version.
        """
        return read_recorded(self.path / ASKED, ASKED_VERSION, StressConfig)

    def require_settings(self) -> None:
        """Read what was asked."""
        super().require_settings()
        _ = self.config

    def require_current(self) -> None:
        """Refuse to go on where the run is gone.

        Raises:
            RunError: there is no such run.
        """
        super().require_current()
        self.run()

    def run(self) -> Run:
        """The run that it is about.

        Raises:
            RunError: it is gone.
        """
        return open_run(self.config.run)

    @property
    def films_title(self) -> str:
        """Which films were degraded, in words."""
        return "test films of the run" if self.config.data is None else data_summary(self.config.data)

    def logits_path(self, name: str) -> Path:
        """Where the answers under a degradation are, whether or not they exist."""
        return self.path / LOGITS / f"{name}.npz"

    def logits(self, name: str) -> dict[Member, np.ndarray]:
        """Member -> logits float32 (N, K) under a degradation, or on the films as they came.

        Raises:
            RunError: they are not there, or damaged.
        """
        labels = self.run().labels
        arrays = _read(self.logits_path(name))
        n = len(self.films()["ids"])
        for member, values in arrays.items():
            if values.shape != (n, len(labels)) or values.dtype != np.float32:
                raise damaged(self.logits_path(name), f"{member}: expected float32 ({n}, {len(labels)})")
            require_numbers(values, labels, f"{self.id}, {name}, {member}")
        return arrays  # type: ignore[return-value]  # the names were written from members

    def films(self) -> dict[str, np.ndarray]:
        """Ids str (N,), patients str (N,) and targets float32 (N, K) of the films.

        Raises:
            RunError: they are not there, or damaged.
        """
        arrays = _read(self.path / FILMS)
        if set(arrays) != {"ids", "patients", "targets"}:
            raise damaged(self.path / FILMS, "expected ids, patients and targets")
        return arrays

    def measure(self) -> StressMetrics:
        """Every figure again, from the kept logits alone.

        Raises:
            RunError: some are missing or damaged.
        """
        from cxrkd.images.stress import BY_NAME  # OpenCV; reading figures needs none

        films = self.films()
        stressed = {name: self.logits(name) for name in BY_NAME if self.logits_path(name).exists()}
        return measure_stress(self.logits(CLEAN), stressed, films["targets"], films["patients"], self.run().labels)

    def write_figures(self) -> StressMetrics:
        """Measure, and keep the figures with the checksums of the weights that they are of.

        Raises:
            RunError: logits are damaged, or the folder cannot be written.
        """
        metrics = self.measure()
        document = {"version": FIGURES_VERSION, "weights": weights_of(self.run()), **metrics.to_dict()}
        write_json(self.path / FIGURES, document)
        return metrics

    def metrics(self) -> StressMetrics:
        """The figures as they are kept.

        Raises:
            RunError: the test has not come that far, or the file is damaged.
        """
        try:
            return StressMetrics.from_dict(read_versioned(self.path / FIGURES, FIGURES_VERSION))
        except ValueError as error:
            raise damaged(self.path / FIGURES, str(error)) from error

    def is_of(self, run: Run) -> bool:
        """Whether its figures are of this run and of the weights that the run has now."""
        try:
            stored: Any = read_json(self.path / FIGURES)
            return self.config.run in (run.id, str(run.path)) and stored.get("weights") == weights_of(run)
        except (RunError, AttributeError, OSError):
            return False


def weights_of(run: Run) -> dict[str, str]:
    """Member -> checksum of its weights.

    Raises:
        RunError: a file is damaged.
    """
    return {member: identity(run.weights_path(member)) for member in run.members()}


def stress_tests(run: Run) -> list[StressJob]:
    """Finished stress tests of a run as it is now: own ones first, newest first, then those that ship.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    jobs = [job for job in list_jobs() if isinstance(job, StressJob)]
    done = [job for job in jobs if job.state.status == "done" and job.is_of(run)]
    return sorted(done, key=lambda job: job.shipped)


def stress_of(run: Run) -> StressJob | None:
    """The newest finished stress test of a run as it is now; None where there is none."""
    return next(iter(stress_tests(run)), None)


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to an `.npz` with a checksum, in one step.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as part:
            np.savez_compressed(part, **arrays)  # type: ignore[arg-type]
            seal(part)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def _read(path: Path) -> dict[str, np.ndarray]:
    check(require_file(path))
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path, str(error)) from error
