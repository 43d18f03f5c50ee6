"""Who made what, one JSON object a line, only ever appended to.

    home()/access/record.jsonl    for its owner only

A line is written by one call on a file opened for appending, so that lines of several servers do not mix; one that a
kill tore is closed by the next, and left out when the record is read.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from cxrkd import private
from cxrkd.access.roles import Person
from cxrkd.errors import AccessError, CxrkdError
from cxrkd.places import home

_LONGEST = 400  # of each text: a name of a run is a visitor's own words


@dataclass(frozen=True)
class Act:
    """One line.

    Attributes:
        t: epoch seconds. role, mark, address, email: who, see `Person`.
        what: the act, `queue`, `cancel`, `resume`, `delete`, `describe`, `export`. on: the id of the run.
        outcome: "done", or the sentence that refused it.
    """

    t: float
    role: str
    mark: str
    address: str
    email: str
    what: str
    on: str
    outcome: str


def record_file() -> Path:
    """Where the record is."""
    return home() / "access" / "record.jsonl"


@dataclass
class Note:
    """What the act was on, which may be known only when it is done."""

    on: str


@contextmanager
def recording(who: Person, what: str, on: str) -> Iterator[Note]:
    """Record the act of a block with its outcome; the block is not entered where nothing can be recorded.

    Raises:
        AccessError: the record cannot be written.
    """
    note = Note(on)
    handle = _open()
    try:
        yield note
    except CxrkdError as error:
        _write(handle, who, what, note.on, str(error))
        raise
    except Exception as error:
        _write(handle, who, what, note.on, f"unexpected {type(error).__name__}")
        raise
    else:
        _write(handle, who, what, note.on, "done")
    finally:
        os.close(handle)


def _open() -> int:
    try:
        private.folder(record_file().parent)
        return os.open(record_file(), os.O_RDWR | os.O_APPEND | os.O_CREAT, private.FILE)
    except OSError as error:
        raise AccessError(
            f"Nothing was changed: the record of who made what cannot be opened ({error.strerror or error}). The "
            "operator can free some space, or set CXRKD_HOME to another folder."
        ) from error


def _write(handle: int, who: Person, what: str, on: str, outcome: str) -> None:
    act = Act(round(time.time(), 3), who.role, who.mark, who.address, who.email, what, on, outcome)
    cut = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in asdict(act).items()}
    line = json.dumps(cut) + "\n"  # ASCII: no line break hides in it, and no half of a character
    try:
        os.write(handle, (("\n" if _torn(handle) else "") + line).encode())
    except OSError as error:
        raise AccessError(
            f"The record of who made what cannot be written ({error.strerror or error}). The operator can free some "
            "space; look at the history before you try again."
        ) from error


def read_acts() -> list[Act]:
    """Every whole line, oldest first; none where there is no record.

    Raises:
        AccessError: the file cannot be opened.
    """
    try:
        lines = record_file().read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise AccessError(f"{record_file()} cannot be read ({error.strerror or error}). Check its rights.") from error
    return [act for line in lines if (act := _parse(line)) is not None]


def _parse(line: bytes) -> Act | None:
    """The act of a line; None where the line was cut or is not one."""
    try:
        values = json.loads(line)
        return Act(float(values["t"]), *(str(values[field.name]) for field in fields(Act)[1:]))
    except (ValueError, KeyError, TypeError):
        return None


def _torn(handle: int) -> bool:
    """Whether the file ends in the middle of a line."""
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"
