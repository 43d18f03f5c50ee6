"""Asking for a validation: the one that answers the same question already, or a new job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cxrkd.config import DataConfig
from cxrkd.data import load_to_ask
from cxrkd.errors import ConfigError
from cxrkd.jobs import queue
from cxrkd.refusals import refusals
from cxrkd.runs.run import Run
from cxrkd.runs.validating.config import ValidationConfig
from cxrkd.runs.validating.films import fingerprint
from cxrkd.runs.validating.validation import KIND, Validation, is_listed, require_finished, validations_of

_LONGEST = 80


def validation_config(
    run: Run,
    data: DataConfig,
    name: str | None = None,
    *,
    readers: Path | None = None,
    other_patients: bool = False,
    leave_out: bool = False,
) -> ValidationConfig:
    """What is asked of a run.

    Args:
        run: to be measured.
        data: a set; its films are read at the side that the run's networks take.
        name: what to call it; default after run and set.
        readers: table of what radiologists read on the films; None without.
        other_patients: numbers and names of the set mean other people than those of the run.
        leave_out: measure on those films whose patients the run was not trained on.

    Raises:
        RunError: the run is not finished, or cannot be read.
        ConfigError: the name is empty or too long.
    """
    require_finished(run)
    data = data.model_copy(update={"image_size": run.config.data.image_size})
    called = name if name is not None else f"{run.id} on {_set_name(data)}"[:_LONGEST]
    folder = None if is_listed(run) else run.path
    asked: dict[str, Any] = {"run": run.id, "run_folder": folder, "data": data}
    asked |= {"readers": readers, "other_patients": other_patients, "leave_out": leave_out}
    try:
        return ValidationConfig(name=called, **asked)
    except ValidationError as error:
        raise ConfigError(" ".join(refusals(error, lambda key: f"The {key}").values())) from error


def _set_name(data: DataConfig) -> str:
    folder = getattr(data, "folder", None)
    table = getattr(data, "table", None)
    parts = [folder.name if folder is not None else data.kind, *([table.stem] if table is not None else [])]
    return " ".join(filter(None, parts)) or data.kind


def create_validation(config: ValidationConfig) -> Validation:
    """Make the folder of a validation that nothing executes yet; `resume` queues it, `execute` runs it here.

    Raises:
        RunError: the folder cannot be written.
    """
    return Validation(queue.create(KIND, config.name, Validation.asking(config)))


def submit_validation(config: ValidationConfig) -> Validation:
    """Make a validation, queue it, and see to it that a worker lives.

    Raises:
        CxrkdError: as `create_validation`.
    """
    return queue.resume(create_validation(config))


def asked_before(run: Run, config: ValidationConfig) -> list[Validation]:
    """The validations that were asked the same, whatever they are called, newest first.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    wanted = _question(config)
    return [one for one in validations_of(run) if _question(one.config) == wanted]


def is_current(validation: Validation) -> bool:
    """Whether a validation is done and its run and films are still those that it measured; no image is read.

    Raises:
        DataError: the set is not here any more, or not as its reader expects.
        RunError: files of the run or of the validation cannot be read.
    """
    if validation.state.status != "done":
        return False
    config = validation.config
    cohort = load_to_ask(config.data)
    return validation.facts().fingerprint == fingerprint(validation.run(), config, cohort)


def _question(config: ValidationConfig) -> dict[str, object]:
    return config.model_dump(mode="json", exclude={"name"})
