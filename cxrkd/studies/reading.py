"""A study as a file holds it, YAML or JSON, in which `base` may also be the id of a run whose settings are taken.

`study.json` of a study that was made is such a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cxrkd.errors import ConfigError
from cxrkd.jobs.written import parse_written, read_written, without_version
from cxrkd.refusals import refusals
from cxrkd.runs.run import Run, open_run
from cxrkd.studies.config import OWN, StudyConfig
from cxrkd.studies.study import Study
from cxrkd.text import shown

WHAT = "a study"
OF_THE_GRID = (*OWN, "control")


def read_study(path: Path) -> StudyConfig:
    """The study of a file.

    Raises:
        ConfigError: it cannot be read, is no YAML or JSON, or says what no study is told.
        RunError: the run that it is based on is not there, or cannot be read.
    """
    return _study_in(read_written(path, WHAT), path.name, open_run)


def parse_study(content: bytes, name: str, run_of: Callable[[str], Run] = open_run) -> StudyConfig:
    """The study of the content of a file of that name.

    Args:
        content: YAML or JSON.
        name: for sentences.
        run_of: the run that it is based on, by what it is called.

    Raises:
        ConfigError, RunError: as `read_study`.
    """
    return _study_in(parse_written(content, name, WHAT), name, run_of)


def _study_in(values: Any, name: str, run_of: Callable[[str], Run]) -> StudyConfig:
    if not isinstance(values, dict):
        raise ConfigError(
            f"{name} holds {shown(values)}; expected an object with name, teachers, students, objectives."
        )
    return study_of(without_version(values, Study.ASKED_VERSION, name), run_of)


def study_of(values: Mapping[str, Any], run_of: Callable[[str], Run] = open_run) -> StudyConfig:
    """The study that these settings describe.

    Raises:
        ConfigError: a setting is unknown, missing or out of range.
        RunError: the run that it is based on is not there, or cannot be read.
    """
    base = values.get("base")
    whole = {**values, "base": settings_of_run(run_of(base))} if isinstance(base, str) else values
    try:
        return StudyConfig.model_validate(whole)
    except ValidationError as error:
        raise ConfigError(" ".join(refusals(error, lambda key: key).values())) from error


def settings_of_run(run: Run) -> dict[str, Any]:
    """What the runs of a study take over from a run: all but what the grid says.

    Raises:
        RunError: its config cannot be read.
    """
    values = run.config.model_dump(mode="json")
    return {key: value for key, value in values.items() if key not in OF_THE_GRID}
