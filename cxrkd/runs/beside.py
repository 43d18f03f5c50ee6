"""Jobs that ask a finished run about films and keep figures beside it, because shipped runs are read-only.

Their folders hold what was asked, arrays under a checksum, and figures that follow from these alone. Figures name the
checksums of the weights that were asked: of a run that was trained again they are figures no more.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from pydantic import Field

from cxrkd.atomic import replacing
from cxrkd.checksums import check, identity, seal
from cxrkd.config import DataConfig, data_summary
from cxrkd.config.strict import Strict
from cxrkd.data import is_here
from cxrkd.errors import DataError, RunError
from cxrkd.jobs import queue
from cxrkd.jobs.asked_job import AskedJob
from cxrkd.jobs.files import cannot_write, damaged, read_json, require_file, write_json
from cxrkd.jobs.job import list_jobs, list_own_jobs
from cxrkd.runs.run import Run, open_run

FIGURES = "figures.json"
FIGURES_VERSION = 1


class RunAsked(Strict):
    """Which run is asked."""

    run: str = Field(title="Run", description="id or folder")


R = TypeVar("R", bound=RunAsked)


@dataclass(frozen=True)
class AboutRun(AskedJob[R]):
    """A job that asks the networks of one run, and cannot go on without it."""

    def require_current(self) -> None:
        """Refuse to go on where the run is gone.

        Raises:
            RunError: there is no such run.
        """
        super().require_current()
        self.run()

    def run(self) -> Run:
        """The run that it asks.

        Raises:
            RunError: it is gone.
        """
        return open_run(self.config.run)


class FilmsAsked(RunAsked):
    """And which films it is asked about."""

    data: DataConfig | None = Field(None, title="Other films", description="the run's own test films if not given")
    folder: Path | None = Field(None, title="Folder", description="where the run's data set is, if not where it was")


A = TypeVar("A", bound=FilmsAsked)


@dataclass(frozen=True)
class BesideRun(AboutRun[A]):
    """One such job.

    Attributes:
        KIND: name in the registry of jobs.
    """

    KIND: ClassVar[str]

    @property
    def films_title(self) -> str:
        """Which films it asks about, in words; of a folder its name alone, since visitors read it."""
        data = self.config.data
        if data is None:
            return "test films of the run"
        folder = getattr(data, "folder", None)
        return data_summary(data if folder is None else data.model_copy(update={"folder": Path(Path(folder).name)}))

    def keep_figures(self, figures: Mapping[str, Any]) -> None:
        """Write figures down with the checksums of the weights that they are of.

        Raises:
            RunError: weights are damaged, or the folder cannot be written.
        """
        write_json(self.path / FIGURES, {"version": FIGURES_VERSION, "weights": weights_of(self.run()), **figures})

    def is_of(self, run: Run) -> bool:
        """Whether its figures are of this run and of the weights that the run has now."""
        try:
            stored: Any = read_json(self.path / FIGURES)
            return self.config.run in (run.id, str(run.path)) and stored.get("weights") == weights_of(run)
        except (RunError, AttributeError, OSError):
            return False


J = TypeVar("J", bound="BesideRun[Any]")


def weights_of(run: Run) -> dict[str, str]:
    """Member -> checksum of its weights.

    Raises:
        RunError: a file is damaged.
    """
    return {str(member): identity(run.weights_path(member)) for member in run.members()}


def finished(kind: type[J], run: Run) -> list[J]:
    """Finished jobs of a class about a run as it is now: own ones first, newest first, then those that ship.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    jobs = [job for job in list_jobs() if isinstance(job, kind)]
    done = [job for job in jobs if job.state.status == "done" and job.is_of(run)]
    return sorted(done, key=lambda job: job.shipped)


def asked_before(kind: type[J], asked: FilmsAsked) -> J | None:
    """The newest job of this machine that was asked exactly this, finished or not."""
    jobs = (job for job in list_own_jobs() if isinstance(job, kind))
    return next((job for job in jobs if job.state.status != "unreadable" and job.config == asked), None)


def newest(kind: type[J], run: Run) -> J | None:
    """The first of `finished`; None where there is none."""
    return next(iter(finished(kind, run)), None)


def asked_about(run: Run, data: DataConfig | None = None, folder: Path | None = None) -> dict[str, Any]:
    """The fields of `FilmsAsked`: the run by its id where that leads to it, and a folder as it is found from anywhere.

    Args:
        run: which.
        data: other films than the run's own test films.
        folder: where the run's own data set is, if not where its config says.
    """
    try:
        known = open_run(run.id).path == run.path
    except RunError:
        known = False
    where = None if folder is None else folder.expanduser().absolute()
    return {"run": run.id if known else str(run.path), "data": data, "folder": where}


def create_beside(kind: type[J], run: Run, asked: FilmsAsked) -> J:
    """Make the folder of a job that nothing executes yet.

    Args:
        kind: its class.
        run: finished.
        asked: what is asked of it.

    Raises:
        RunError: the run has no networks, or the folder cannot be written.
        DataError: the films are not on this machine.
    """
    if not run.members():
        raise RunError(f"{run.id} has no networks to ask: let the run finish or restore its weights")
    if asked.data is None and asked.folder is None and not is_here(run.config.data):
        raise DataError(
            f"The films of {run.id} are not where it found them. Say where its data set is now: --folder DIR."
        )
    return kind(queue.create(kind.KIND, f"{run.id} {kind.KIND}", kind.asking(asked)))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
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


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """What `write_arrays` wrote.

    Raises:
        RunError: it is not there, or damaged.
    """
    check(require_file(path))
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path, str(error)) from error
