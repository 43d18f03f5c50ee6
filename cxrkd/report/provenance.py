"""What a figure hangs on: which weights, which data, which program, and when. No path, and no name of a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cxrkd.checksums import sha256
from cxrkd.config import READERS, DataConfig
from cxrkd.jobs.environment import describe

if TYPE_CHECKING:
    from cxrkd.runs import Run

NOT_CLINICAL = "Research software. Not for clinical use."
OWN_FILES = "yours"
"""Source of a data set that nobody has published: names of its files may be names of patients."""


def published(data: DataConfig) -> bool:
    """Whether names of films are those under which they were published, or were made here."""
    return READERS[data.kind].source != OWN_FILES


def about_data(data: DataConfig) -> dict[str, Any]:
    """Which kind of data set, and how large films are shown; not where it lies."""
    reader = READERS[data.kind]
    return {"kind": data.kind, "title": reader.title, "image_size": data.image_size, "phantoms": reader.drawn}


def about_run(run: Run) -> dict[str, Any]:
    """Which run, what it learned from, and the networks that were asked: those of its first seed.

    `sha256` is of the whole file, as `sha256sum` prints it.

    Raises:
        OSError: weights cannot be read.
    """
    archs = run.archs()
    members = {str(m): {"arch": archs[m], "sha256": sha256(run.weights_path(m))} for m in run.members()}
    data, seed = about_data(run.config.data), run.config.seeds[0]
    return {"id": run.id, "name": run.name, "learned_from": data, "seed": seed, "members": members}


def made_with(environment: dict[str, Any]) -> dict[str, Any]:
    """Versions, of what `cxrkd.jobs.environment.describe` says."""
    packages = environment.get("packages") or {}
    known = {name: environment.get(name) for name in ("cxrkd", "commit", "python")}
    return known | {name: packages.get(name) for name in ("torch", "numpy")}


def versions() -> dict[str, Any]:
    """Of the program that runs now."""
    return made_with(describe())


def stamp(now: datetime | None = None) -> str:
    """The date and time of a report, UTC."""
    return f"{(now or datetime.now(UTC)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
