"""What is kept of a study.

<job>/study.json     what was asked
      cells.json     which run is whose, or why a cell has none
      latency.json   milliseconds of a film for each network, measured on this machine at the end
      figures.json   what is measured from the kept predictions of its runs
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cxrkd.errors import RunError
from cxrkd.jobs import queue
from cxrkd.jobs.asked_job import AskedJob
from cxrkd.jobs.files import MissingFileError, damaged, read_as, read_json, read_versioned, write_json
from cxrkd.jobs.job import list_jobs
from cxrkd.studies.config import TAGS, StudyConfig
from cxrkd.studies.figures import StudyFigures
from cxrkd.studies.grid import Cell, grid

KIND = "study"
ASKED, CELLS, LATENCY, FIGURES = "study.json", "cells.json", "latency.json", "figures.json"
VERSION = 1


@dataclass(frozen=True)
class Place:
    """What came of a cell.

    Attributes:
        run: id of its run; empty where there is none.
        control: id of the run whose students alone it is held against; empty where there is none.
        audit: id of the audit of its run; empty where there is none.
        problem: why there is no run, or not all of it; empty where nothing is wrong.
    """

    run: str = ""
    control: str = ""
    audit: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Study(AskedJob[StudyConfig]):
    """One study."""

    ASKED, ASKS = ASKED, StudyConfig

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Its cells.

        Raises:
            RunError: as `config`.
            ConfigError: what was asked is refused today.
        """
        return grid(self.config)

    def require_current(self) -> None:
        """Refuse to go on with what is refused today.

        Raises:
            ConfigError: says why.
        """
        super().require_current()
        _ = self.cells

    def places(self) -> dict[str, Place]:
        """What came of each cell so far, by its stage; none where nothing was begun.

        Raises:
            RunError: the file is damaged.
        """
        try:
            kept = read_versioned(self.path / CELLS, VERSION).get("cells")
        except MissingFileError:
            return {}
        try:
            places = {stage: Place(**place) for stage, place in kept.items()}  # type: ignore[union-attr]
        except (TypeError, AttributeError) as error:
            raise damaged(self.path / CELLS, "expected a run for each cell") from error
        if not all(isinstance(text, str) for place in places.values() for text in vars(place).values()):
            raise damaged(self.path / CELLS, "expected texts of each cell")
        return places

    def keep_places(self, places: Mapping[str, Place]) -> None:
        """Write them down.

        Raises:
            RunError: the folder cannot be written.
        """
        write_json(
            self.path / CELLS, {"version": VERSION, "cells": {stage: vars(place) for stage, place in places.items()}}
        )

    def latencies(self) -> dict[str, float]:
        """Network and size -> milliseconds of a film; empty where nothing was measured."""
        try:
            kept = read_json(self.path / LATENCY)
        except RunError:  # measured again when the study goes on; until then there is none
            return {}
        known = kept.items() if isinstance(kept, dict) else ()
        return {network: ms for network, ms in known if isinstance(ms, float)}

    def keep_latencies(self, latencies: Mapping[str, float]) -> None:
        """Write them down."""
        write_json(self.path / LATENCY, dict(latencies))

    def figures(self) -> StudyFigures:
        """What was measured so far.

        Raises:
            RunError: nothing was, or the file is damaged.
        """
        return read_as(self.path / FIGURES, VERSION, StudyFigures.from_dict)

    def keep_figures(self, figures: StudyFigures) -> None:
        """Write them down.

        Raises:
            RunError: the folder cannot be written.
        """
        write_json(self.path / FIGURES, {"version": VERSION, **figures.to_dict()})

    def summary(self) -> dict[str, str]:
        """What lists say of it beside what is true of any job."""
        try:
            placed = [place for place in self.places().values() if place.run and not place.problem]
        except RunError:
            placed = []
        asked = self.config
        names = ", ".join(f"{axis} {len(getattr(asked, axis))}" for axis in (*TAGS, "seeds"))
        return {"grid": names, "cells done": f"{len(placed)} of {self.n_cells}"}

    @property
    def n_cells(self) -> int:
        """How many cells there are."""
        return len(self.config.teachers) * len(self.config.students) * len(self.config.objectives)


def list_studies() -> list[Study]:
    """Every study, made on this machine newest first, then those that ship by their names.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    studies = [job for job in list_jobs() if isinstance(job, Study)]
    return sorted(studies, key=lambda study: (study.shipped, study.id if study.shipped else ""))


def asked_before(config: StudyConfig) -> Study | None:
    """The newest study that was asked exactly this, finished or not."""
    readable = (study for study in list_studies() if study.state.status != "unreadable")
    return next((study for study in readable if study.config == config), None)


def create_study(config: StudyConfig) -> Study:
    """Make the folder of a study that nothing executes yet; see `cxrkd.studies.refusing` for what is refused before.

    Raises:
        RunError: the folder cannot be written.
    """
    return Study(queue.create(KIND, f"{config.name} study", Study.asking(config)))
