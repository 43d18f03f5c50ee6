"""Radiologists who read the films of a validation, beside the networks that answered: `readers.json` of its job."""

from __future__ import annotations

from pathlib import Path

from cxrkd.data.reading.readings import read_readings
from cxrkd.evaluate.readers import ReaderStudy, reader_study
from cxrkd.jobs.files import MissingFileError, read_as, write_json
from cxrkd.runs import Run
from cxrkd.runs.validating.validation import Validation, validations_of

FILE = "readers.json"
VERSION = 1


def measure_readers(validation: Validation, table: Path) -> ReaderStudy:
    """Hold the networks against the radiologists of a table, and keep that.

    Args:
        validation: whose answers are there.
        table: a row for a film and a reader; see `cxrkd.data.reading.readings`.

    Raises:
        DataError: the table is not understood, or is about other films or findings.
        RunError: answers are missing or damaged, or the folder cannot be written.
    """
    test, labels = validation.test(), validation.run().labels
    members = {str(member): test[member] for member in validation.run().members() if member in test}
    first = next(iter(members.values()))
    readings = read_readings(table, labels, first.ids.tolist())
    logits = {member: one.logits for member, one in members.items()}
    study = reader_study(readings.readers, readings.calls, first.targets, first.patients, labels, logits)
    write_json(validation.path / FILE, {"version": VERSION, **study.to_dict()})
    return study


def study_of(validation: Validation) -> ReaderStudy | None:
    """What is kept of the radiologists; None where nobody gave their readings.

    Raises:
        RunError: the file is damaged.
    """
    try:
        return read_as(validation.path / FILE, VERSION, ReaderStudy.from_dict)
    except MissingFileError:
        return None


def judged_by_radiologists(run: Run) -> Validation | None:
    """The first finished validation of a run whose films radiologists read; None where there is none.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    done = (one for one in validations_of(run) if one.state.status == "done")
    return next((one for one in done if one.config.readers is not None), None)
