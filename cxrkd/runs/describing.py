"""What people call a run and note on it, beside what it was told: changed at any time, of runs made here alone.

description.json    {"version": 1, "name": another than its config has, or null, "note": "..."}; absent where nobody did

The folder keeps its name, and so does the id of the run: other runs refer to it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from cxrkd.config.strict import Strict
from cxrkd.errors import ConfigError
from cxrkd.jobs.files import MissingFileError, write_json
from cxrkd.jobs.job import Job, own_jobs
from cxrkd.jobs.locks import deciding
from cxrkd.jobs.queue import refuse_shipped
from cxrkd.jobs.schema import read_recorded, reason

FILE, VERSION = "description.json", 1
LONGEST_NAME, LONGEST_NOTE = 80, 4000


class Description(Strict):
    """What stands in the file.

    Attributes:
        name: what the run is called instead of the name of its config; None where that is good enough.
        note: free text; empty where there is none.
    """

    name: str | None = Field(None, min_length=1, max_length=LONGEST_NAME)
    note: str = Field("", max_length=LONGEST_NOTE)


def read_description(folder: Path) -> Description:
    """What is kept of it; nothing where nobody wrote anything.

    Raises:
        RunError: the file is damaged, or a newer version wrote it.
    """
    try:
        return read_recorded(folder / FILE, VERSION, Description)
    except MissingFileError:
        return Description()


def describe(job: Job, *, name: str | None = None, note: str | None = None) -> Description:
    """Call a run something else, or put a note on it; what is not given stays.

    Args:
        job: a run made on this machine.
        name: 1 to LONGEST_NAME characters.
        note: up to LONGEST_NOTE characters; an empty text takes the note away.

    Returns:
        what is kept now.

    Raises:
        ConfigError: the name is empty, or a text too long.
        RunError: the run is shipped, is gone or unreadable, or its folder cannot be written.
    """
    refuse_shipped(job, "described")
    with deciding(own_jobs()):  # or it might be deleted meanwhile, and its folder made anew for the file
        job.require_readable()
        before = read_description(job.path)
        after = _checked(before.name if name is None else name.strip(), before.note if note is None else note.strip())
        write_json(job.path / FILE, {"version": VERSION, **after.model_dump()})
    return after


def _checked(name: str | None, note: str) -> Description:
    try:
        return Description(name=name, note=note)
    except ValidationError as error:
        raise ConfigError(
            f"Not kept: {reason(error)}. Names have 1 to {LONGEST_NAME} characters, notes up to {LONGEST_NOTE}."
        ) from error
