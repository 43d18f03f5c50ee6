"""`runs rename` and `runs note`: what people call a run, and what they note on it."""

from __future__ import annotations

import argparse
from typing import Any

from cxrkd.cli.output import Report


def add(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the actions."""
    action = actions.add_parser("rename", parents=[common], help="call a run something else; its id stays")
    action.add_argument("run", metavar="RUN", help="id or folder of a run made here")
    action.add_argument("name", metavar="NAME", help="what to call it")
    action.set_defaults(call=rename)
    action = actions.add_parser("note", parents=[common], help="put a note on a run, or print the one that is there")
    action.add_argument("run", metavar="RUN", help="id or folder of a run made here")
    action.add_argument("note", nargs="?", metavar="TEXT", help='the note; "" takes it away')
    action.set_defaults(call=note)


def rename(args: argparse.Namespace) -> Report:
    """Call a run something else."""
    from cxrkd.runs import open_run
    from cxrkd.runs.describing import describe

    run = open_run(args.run)
    describe(run, name=args.name)
    return Report({"run": run.id, "name": run.name}, [f"{run.id} is called {run.name}"])


def note(args: argparse.Namespace) -> Report:
    """Note something on a run, or print what was noted."""
    from cxrkd.runs import open_run
    from cxrkd.runs.describing import describe

    run = open_run(args.run)
    kept = run.description if args.note is None else describe(run, note=args.note)
    return Report({"run": run.id, "note": kept.note}, kept.note.splitlines() or [f"{run.id} has no note."])
