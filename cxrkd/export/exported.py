"""The app of a run's student, made once and kept: what the dashboard serves to a browser."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cxrkd import private
from cxrkd.atomic import PART
from cxrkd.checksums import identity
from cxrkd.config import Member
from cxrkd.export.browser import APP, write_run
from cxrkd.export.targets import web
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


def made(run: Run, member: Member) -> Path | None:
    """The folder of the app, where it has been made."""
    folder = folder_of_apps() / key(run, member)
    return folder if folder.is_dir() else None


def make(run: Run, member: Member) -> Path:
    """The folder of the app, made where it is not there yet: some seconds. It appears whole or not at all.

    Raises:
        EngineError: the network cannot be expressed with its maps in the graph.
        GateError: the coefficients of the gate are missing or damaged.
        RunError: weights or figures of the run are missing or damaged.
    """
    known = made(run, member)
    if known is not None:
        return known
    place = folder_of_apps()
    private.folder(place)
    part = Path(tempfile.mkdtemp(dir=place, prefix=PART))
    try:
        web.write(run.load_model(member), part)
        write_run(run, member, part)
        target = place / key(run, member)
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
