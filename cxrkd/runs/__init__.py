"""Runs: a distillation each. Opening, listing, making; what is done with any job stands in `cxrkd.jobs`."""

from cxrkd.runs.making import create, find, submit
from cxrkd.runs.run import Run, list_runs, open_run

__all__ = ["Run", "create", "find", "list_runs", "open_run", "submit"]
