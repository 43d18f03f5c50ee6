"""A watch as a job: what is watched and who answers. It has a process of its own and never waits in the queue.

<job>/watch.json     what was asked
      films.db       what was answered (`cxrkd.runs.watching.store`)
      now.json       when the folder was looked at last, and whether it was there
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from cxrkd.config import Member
from cxrkd.errors import RunError
from cxrkd.jobs.files import read_versioned
from cxrkd.jobs.job import list_own_jobs
from cxrkd.runs.beside import AboutRun, RunAsked

ASKED, NOW = "watch.json", "now.json"
VERSION = 1


class WatchConfig(RunAsked):
    """What is watched, and who answers."""

    members: tuple[Member, ...] = Field(title="Models", description="which answer, the teacher first")
    folder: Path = Field(title="Folder", description="whose films are answered, with the folders below it")
    force: bool = Field(False, title="Answer all", description="also what does not look like a chest radiograph")
    engine: str = Field("auto", title="Engine", description="which computes the answers")
    csv: Path | None = Field(None, title="Table", description="a CSV that grows film by film")
    once: bool = Field(False, title="Once", description="end when everything that is in the folder is answered")

    def same_films(self, other: WatchConfig) -> bool:
        """Whether answers to one are answers to the other: how they are computed and where they go does not count."""
        return all(getattr(self, name) == getattr(other, name) for name in ("run", "members", "folder", "force"))


@dataclass(frozen=True)
class WatchJob(AboutRun[WatchConfig]):
    """One watch."""

    ASKED, ASKS = ASKED, WatchConfig

    def now(self) -> dict[str, Any]:
        """When it looked last: `t` (epoch seconds), `gone` (why there was no folder, or "") and `waiting` (files).

        Empty before the first look.
        """
        try:
            return read_versioned(self.path / NOW, VERSION)
        except RunError:
            return {}

    def summary(self) -> dict[str, str]:
        """How many films it has answered; not of which folder, since visitors read it."""
        from cxrkd.runs.watching.store import films_of

        try:
            store = films_of(self.path)
        except RunError:
            return {}
        if store is None:
            return {}
        with store:
            return {"films": f"{store.totals().films:,}"}


def list_watches() -> list[WatchJob]:
    """Every watch of this machine, newest first.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    return [job for job in list_own_jobs() if isinstance(job, WatchJob)]
