"""Which jobs were asked for on a page: they read what pages may read, and their errors quote nothing that they read.

asked.json    {"by": "page", "roots": [folders]}; a job of the command line has none
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cxrkd.access.confine import confined
from cxrkd.errors import RunError
from cxrkd.jobs.files import read_json, write_json
from cxrkd.jobs.job import Job

ASKED = "asked.json"


def mark_page(job: Job, roots: Sequence[Path]) -> None:
    """Write down that a page asked for a job, and below which folders it may read.

    Raises:
        RunError: the folder cannot be written.
    """
    write_json(job.path / ASKED, {"by": "page", "roots": [str(root) for root in roots]})


def by_page(job: Job) -> bool:
    """Whether a page asked for it."""
    return (job.path / ASKED).exists()


@contextmanager
def as_asked(job: Job) -> Iterator[None]:
    """Read within the block as the job may.

    Raises:
        RunError: the file that says so is damaged.
    """
    if not by_page(job):
        yield
        return
    mark = read_json(job.path / ASKED)
    roots = mark.get("roots") if isinstance(mark, dict) else None
    if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
        raise RunError(f"{job.id}: {ASKED} does not say what the run may read; ask for the run again")
    with confined([Path(root) for root in roots]):
        yield
