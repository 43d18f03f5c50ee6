"""Apps for browsers that were made and checked, kept as folders: what the dashboard serves."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cxrkd import private
from cxrkd.atomic import PART
from cxrkd.checksums import identity
from cxrkd.config import Member
from cxrkd.export.browser import APP
from cxrkd.places import home
from cxrkd.runs.reference import FILE as REFERENCE
from cxrkd.runs.run import METRICS

if TYPE_CHECKING:
    from cxrkd.runs.run import Run

KEPT = 8
"""Folders that stay; those made longest ago go."""


def folder_of_apps() -> Path:
    """Where apps are kept, each under its `key`."""
    return home() / "cache" / "browser"


def key(run: Run, member: Member) -> str:
    """Hexadecimal digits that change with the weights, with what the run knows of them, and with the app.

    Raises:
        RunError: weights or their list of checksums cannot be read.
    """
    digest = hashlib.sha256(f"{_app_digest()} {identity(run.weights_path(member))} {run.name}".encode())
    for name in (METRICS, REFERENCE):
        path = run.path / name
        digest.update(path.read_bytes() if path.exists() else b"-")
    return digest.hexdigest()[:32]


def is_kept(run: Run, member: Member) -> bool:
    """Whether the app of that network is there."""
    return (folder_of_apps() / key(run, member)).is_dir()


def keep(run: Run, member: Member, files: Mapping[str, bytes]) -> Path:
    """The files of an app as a folder, which appears whole or not at all.

    Args:
        run: whose network it holds.
        member: which one.
        files: by their names, as a bundle of the target `web` has them.

    Raises:
        OSError: the disk cannot be written.
    """
    place, target = folder_of_apps(), folder_of_apps() / key(run, member)
    private.folder(place)
    part = Path(tempfile.mkdtemp(dir=place, prefix=PART))
    try:
        for name, data in files.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_bytes(data)
        if not target.is_dir():  # another visitor may have been quicker
            os.replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    _prune(place)
    return target


def _prune(place: Path) -> None:
    folders = [path for path in place.iterdir() if path.is_dir() and not path.name.startswith(PART)]
    for path in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


@cache
def _app_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in APP.rglob("*") if path.is_file()):
        digest.update(path.relative_to(APP).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
