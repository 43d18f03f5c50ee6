"""Files that only their owner can read: whatever lies below `CXRKD_HOME`, whatever umask the process was given.

Runs, prepared films and the record of who made what say things about patients and visitors. New folders are made 0700
and files 0600; a home of an older version is closed once, and left alone when somebody opens it again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cxrkd.places import home

FOLDER, FILE = 0o700, 0o600
OURS = ("runs", "cache", "access", "models")  # what we make below a home; anything else in it is somebody's own
_WIDE, _CLOSED = 0o077, ".closed"
log = logging.getLogger("cxrkd")


def folder(path: Path) -> Path:
    """Make a folder and those above it, below the home each for its owner only; one that exists stays as it is."""
    ours = _below_home(path)
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(FOLDER if ours else 0o777, exist_ok=True)
    if ours:
        close_home()
    return path


def file_mode(path: Path) -> int:
    """The rights of a file: its owner's only below the home, else those of any document."""
    return FILE if _below_home(path) else 0o644


def _below_home(path: Path) -> bool:
    return path.resolve().is_relative_to(home().resolve())


def opener(path: str | os.PathLike[str], flags: int) -> int:
    """As `open(opener=...)` takes it: a file that is made here is for its owner only."""
    return os.open(path, flags, FILE)


@contextmanager
def owner_only() -> Iterator[None]:
    """What any library writes inside the block is for the owner only. Of the whole process: not for threads."""
    before = os.umask(_WIDE)
    try:
        yield
    finally:
        os.umask(before)


def close_home() -> None:
    """Close a home that others can look into, once; says so in the log."""
    top = home()
    if not _ours_to_close(top):
        return
    try:
        (top / _CLOSED).touch(FILE)
        top.chmod(FOLDER)
    except OSError as error:
        log.warning("%s can be read by other users of this machine and cannot be closed (%s)", top, error.strerror)
        return
    for name in OURS:
        _close_below(top / name)
    log.warning("%s could be read by other users of this machine; now only by its owner (SECURITY.md)", top)


def _ours_to_close(top: Path) -> bool:
    """Whether it is wide, belongs to us, holds nothing but us by its name, and was not closed before."""
    if not top.is_dir():
        return False
    status = top.stat()
    wide = bool(status.st_mode & _WIDE) and status.st_uid == os.getuid() and not (top / _CLOSED).exists()
    return wide and top.resolve() not in (Path.home().resolve(), Path("/"))


def _close_below(path: Path) -> None:
    """Take the rights of others from a tree of ours; links are not followed."""
    for above, folders, files in os.walk(path):
        for name in (*folders, *files):
            _take_from_others(os.path.join(above, name))
    _take_from_others(path)


def _take_from_others(path: str | Path) -> None:
    with suppress(OSError):  # somebody else's, or gone meanwhile; the closed home stands before it
        if not os.path.islink(path):
            os.chmod(path, os.stat(path).st_mode & ~_WIDE)
