"""Small files of a job folder: written whole or not at all, and read without trust.

What lies in a job's folder may come from another machine, a torn disk or a newer version. Whatever it is, reading ends
in plain values or in a `RunError` that names the file; it never waits (a pipe in place of a file) and never fails
otherwise.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from cxrkd.atomic import replacing
from cxrkd.errors import CxrkdError, RunError
from cxrkd.jobs.strict_json import parse_json
from cxrkd.plain import plain
from cxrkd.text import legible, shown

T = TypeVar("T")
LARGEST = 64 << 20  # bytes of a text; the events of a week of training are a tenth of it
_LONGEST_REASON = 160


class MissingFileError(RunError):
    """A file that is not there: of a job that has not come that far, or that lost it."""


class NewerFileError(RunError):
    """A file of a newer version than this program reads."""


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` in one step. NaN and infinity become null, which every JSON reader takes.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        with replacing(path) as part:
            part.write_text(json.dumps(plain(value), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def read_json(path: Path) -> Any:
    """The content of a JSON file: finite numbers, no key twice, nested no deeper than any of ours.

    Raises:
        MissingFileError: it is not there.
        RunError: it cannot be read or is not such JSON.
    """
    try:
        value = parse_json(read_bytes(path).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise damaged(path, f"it is not UTF-8 text, at byte {error.start}") from error
    except ValueError as error:
        raise damaged(path, str(error)) from error
    return value


def read_versioned(path: Path, version: int) -> dict[str, Any]:
    """The content of a JSON file that says which version of its format it has, without that version.

    Args:
        path: the file; one without a version is as old as can be.
        version: the newest that is understood.

    Raises:
        MissingFileError: it is not there.
        RunError: it cannot be read, is no JSON object, or is of a newer version.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise damaged(path, f"expected an object, got {type(document).__name__}")
    of = document.pop("version", 0)
    if not isinstance(of, int) or isinstance(of, bool) or of < 0:
        raise damaged(path, f"expected a number as its version, got {shown(of)}")
    if of > version:
        raise NewerFileError(
            f"{named(path)} was written by a newer cxrkd (version {of} of its format, this one reads up to {version}). "
            "Update cxrkd, or use the version that made it."
        )
    return document


def read_as(path: Path, version: int, make: Callable[[dict[str, Any]], T]) -> T:
    """What `make` makes of a JSON file that says its version; see `read_versioned`.

    Raises:
        MissingFileError: it is not there.
        RunError: it is damaged, which is also what a ValueError of `make` means, or of a newer version.
    """
    document = read_versioned(path, version)
    try:
        return make(document)
    except ValueError as error:
        raise damaged(path, str(error)) from error


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a regular file.

    Raises:
        MissingFileError: it is not there.
        RunError: it is something else than a file, too large, or cannot be read.
    """
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > largest:
            raise damaged(path, f"expected at most {largest >> 20} MB, got {size >> 20} MB")
        return file.read()


def require_file(path: Path) -> Path:
    """`path`, which is a file; what a library is about to open must not be a pipe or a folder.

    Raises:
        MissingFileError: it is not there.
        RunError: it is something else, or may not be read.
    """
    with _opened(path):
        return path


def require_place_for_file(path: Path) -> Path:
    """`path`, where a file is or may come to be.

    Raises:
        RunError: something else is there.
    """
    try:
        return require_file(path)
    except MissingFileError:
        if path.is_symlink():
            raise
        return path


@contextmanager
def parsing(path: Path) -> Iterator[None]:
    """Around a foreign parser: what it raises on damaged bytes, of whatever kind, is said of `path`.

    Raises:
        RunError: anything was raised that is not ours.
    """
    try:
        yield
    except CxrkdError:
        raise
    except Exception as error:
        raise damaged(path, f"{type(error).__name__} {error}") from error


def damaged(path: Path, why: str) -> RunError:
    """The sentence for a file that is there and cannot be used."""
    reason = " ".join(why.split())[:_LONGEST_REASON].rstrip(". ")
    return RunError(
        f"{named(path)} is damaged ({reason}). Restore it from a copy, or see what can be repaired: "
        f"python -m cxrkd runs check {_run_of(path)}"
    )


def cannot_write(folder: Path, error: OSError) -> RunError:
    """The sentence for a full disk or a folder without permission."""
    reason = error.strerror or str(error)
    return RunError(f"cannot write to {folder} ({reason}). Free some space or set CXRKD_HOME to another folder.")


def named(path: Path) -> str:
    """The file as people find it: the job, and the file in it."""
    return f"{_run_of(path)}: {path.name}"


def _run_of(path: Path) -> str:
    folder = path.parent.parent if path.parent.name in ("models", "predictions", "work") else path.parent
    return legible(folder.name)


def _unopened(path: Path, error: OSError) -> RunError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if path.is_symlink():
            return MissingFileError(f"{named(path)} is a link to nothing. Restore what it led to, or remove it.")
        return MissingFileError(f"{_run_of(path)}: expected a file {path.name}, found none; the run is incomplete")
    return damaged(path, error.strerror or str(error))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """A regular file; what goes wrong with it is said."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would be waited for
    except OSError as error:
        raise _unopened(path, error) from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise damaged(path, "it is a folder" if stat.S_ISDIR(mode) else "it is no file but a pipe or a device")
    with os.fdopen(handle, "rb") as file:
        try:
            yield file
        except OSError as error:
            raise damaged(path, error.strerror or str(error)) from error
