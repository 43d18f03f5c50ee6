"""Apps for browsers that were made and checked, kept as folders: what the dashboard serves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cxrkd.checksums import identity
from cxrkd.config import Member
from cxrkd.errors import RunError
from cxrkd.export.browser import APP, ICON, house
from cxrkd.images.gate import COEFFICIENTS
from cxrkd.jobs.folders import making, put_away, remove, sweep
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
        RunError: nothing can be written there.
        OSError: the disk is full.
    """
    place, target = folder_of_apps(), folder_of_apps() / key(run, member)
    with making(place) as part:
        for name, data in files.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_bytes(data)
        try:
            part.rename(target)
        except OSError:
            if not target.is_dir():  # else another visitor was quicker
                raise
    _prune(place)
    return target


def _prune(place: Path) -> None:
    """Remove the oldest, each in one step for whoever asks for it, and what killed processes left."""
    times = []
    for path in place.glob("[!.]*"):
        with suppress(FileNotFoundError):  # others prune, too
            times.append((path.stat().st_mtime, path))
    for _, path in sorted(times, reverse=True)[KEPT:]:
        with suppress(RunError):
            remove(put_away(path))
    sweep(place)


@cache
def _app_digest() -> str:
    digest = hashlib.sha256(json.dumps(house((), 0)).encode())
    for path in (*sorted(path for path in APP.rglob("*") if path.is_file()), ICON, COEFFICIENTS):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
