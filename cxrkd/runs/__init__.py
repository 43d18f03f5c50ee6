"""Runs: a distillation each. Opening, listing, making; what is done with any job stands in `cxrkd.jobs`."""

from cxrkd.jobs.execute import execute
from cxrkd.jobs.queue import cancel, delete, keep_going, resume
from cxrkd.jobs.state import RunState
from cxrkd.runs.making import create, find, submit
from cxrkd.runs.run import Run, list_runs, open_run

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
    "open_run",
    "resume",
    "submit",
]
