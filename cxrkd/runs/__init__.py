"""Runs: one folder each, a queue, and the recipe that fills the folder."""

from cxrkd.runs.queue import cancel, create, delete, find, keep_going, resume, submit
from cxrkd.runs.run import Run, list_runs, log_tail, open_run
from cxrkd.runs.state import RunState

__all__ = [
    "Run",
    "RunState",
    "cancel",
    "create",
    "delete",
    "execute",
    "find",
    "keep_going",
    "list_runs",
    "log_tail",
    "open_run",
    "resume",
    "submit",
]


def execute(run: Run) -> None:
    """Execute a run in this process; see `cxrkd.runs.recipe.execute`. Imported late: listing runs must be quick."""
    from cxrkd.runs.recipe import execute as execute_here

    execute_here(run)
