"""Which runs were asked for on a page: they read what pages may read, and their errors quote nothing that they read.

asked.json    {"by": "page", "roots": [folders]}; a run of the command line has none
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cxrkd.access.confine import confined
from cxrkd.errors import RunError
from cxrkd.runs.files import read_json, write_json
from cxrkd.runs.run import Run

ASKED = "asked.json"


def mark_page(run: Run, roots: Sequence[Path]) -> None:
    """Write down that a page asked for a run, and below which folders it may read.

    Raises:
        RunError: the folder cannot be written.
    """
    write_json(run.path / ASKED, {"by": "page", "roots": [str(root) for root in roots]})


def by_page(run: Run) -> bool:
    """Whether a page asked for it."""
    return (run.path / ASKED).exists()


@contextmanager
def as_asked(run: Run) -> Iterator[None]:
    """Read within the block as the run may.

    Raises:
        RunError: the file that says so is damaged.
    """
    if not by_page(run):
        yield
        return
    told = read_json(run.path / ASKED)
    roots = told.get("roots") if isinstance(told, dict) else None
    if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
        raise RunError(f"{run.id}: {ASKED} does not say what the run may read; ask for the run again")
    with confined([Path(root) for root in roots]):
        yield
