"""Folders of jobs: they appear whole, and go in one step; what a killed process left of either is swept."""

from __future__ import annotations

import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cxrkd import private
from cxrkd.atomic import PART
from cxrkd.errors import RunError
from cxrkd.jobs.files import cannot_write
from cxrkd.jobs.job import SHIPPED, own_jobs
from cxrkd.jobs.lease import clock_of, place
from cxrkd.jobs.process import start_mark

DELETED = ".deleted-"
ABANDONED_S = 3600.0  # no making of a folder and no writing of a small file takes so long
_MADE_BY = re.compile(re.escape(PART) + r"(?P<place>[0-9a-f]{16})_(?P<pid>\d+)_(?P<mark>[^_]*)_")


@contextmanager
def making(parent: Path) -> Iterator[Path]:
    """An empty folder in `parent` that nobody lists; an error inside removes it. `settle` gives it its name.

    Raises:
        RunError: nothing can be written there.
    """
    mark = re.sub(r"[^A-Za-z0-9]", "", start_mark(os.getpid()) or "")
    folder = parent / f"{PART}{place()}_{os.getpid()}_{mark}_{uuid.uuid4().hex[:8]}"
    try:
        private.folder(parent)
        folder.mkdir(private.FOLDER)
    except OSError as error:
        raise cannot_write(parent, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # it has another name where all went well


def settle(made: Path, name: str) -> Path:
    """Give a folder its place among this machine's jobs: after its name, with a number where that is taken."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "run"
    for number in range(1, 10_000):
        identity = slug if number == 1 else f"{slug}-{number}"
        if not (SHIPPED / identity).exists() and not os.path.lexists(own_jobs() / identity):
            return move(made, own_jobs() / identity)
    raise RunError(f"there are too many runs called {name!r}; choose another name")


def move(made: Path, folder: Path) -> Path:
    """Give a folder its name. Call it while `deciding`.

    Raises:
        RunError: there is something of that name.
    """
    if os.path.lexists(folder):
        raise RunError(f"{folder} exists already; choose another folder, or resume the run in it")
    try:
        made.rename(folder)
    except OSError as error:
        raise cannot_write(folder.parent, error) from error
    return folder


def put_away(folder: Path) -> Path:
    """Take a job out of every list in one step; what is left is for `remove`.

    Raises:
        RunError: it cannot be moved.
    """
    doomed = folder.with_name(f"{DELETED}{uuid.uuid4().hex}")
    try:
        folder.rename(doomed)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return doomed


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as the system lets us. Of a link, the link."""
    if folder.is_symlink() or not folder.is_dir():
        with suppress(OSError):  # what stays has a hidden name, and is tried again by `sweep`
            folder.unlink()
        return
    for parent, _, _ in os.walk(folder):  # top down: a folder without rights is opened before it is entered
        _open_up(Path(parent))
    shutil.rmtree(folder, ignore_errors=True)


def _open_up(parent: Path) -> None:
    for path in [parent, *(parent / entry.name for entry in _entries(parent) if entry.is_dir(follow_symlinks=False))]:
        with suppress(OSError):
            mode = stat.S_IMODE(path.lstat().st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                path.chmod(mode | stat.S_IRWXU)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def leftovers(folder: Path) -> list[Path]:
    """What killed processes left among the jobs: deleted folders, half-made ones, empty ones, torn files.

    What a living process makes, here or elsewhere, is not among them. Call it while `deciding`.
    """
    return [folder / entry.name for entry in _entries(folder) if _is_left(folder / entry.name)]


def sweep(folder: Path) -> list[Path]:
    """Remove the leftovers among the jobs; returns what was removed. Call it while `deciding`."""
    left = leftovers(folder)
    for path in left:
        remove(path)
    return [path for path in left if not os.path.lexists(path)]


def _is_left(path: Path) -> bool:
    if path.name.startswith(DELETED):
        return True
    if path.name.startswith(PART):
        made = _MADE_BY.match(path.name)
        if made and made["place"] == place():
            mark = start_mark(int(made["pid"]))
            lives = mark is not None and re.sub(r"[^A-Za-z0-9]", "", mark) == made["mark"]
            return not lives
        return _age_s(path) > ABANDONED_S
    return path.is_dir() and not path.is_symlink() and not any(_entries(path)) and _age_s(path) > ABANDONED_S


def _age_s(path: Path) -> float:
    """Seconds since something was changed, by the clock of the file system itself; 0 where it is gone."""
    try:
        changed = path.lstat().st_mtime_ns
    except OSError:
        return 0.0
    return (clock_of(path.parent, changed) - changed) / 1e9
