"""`reference`: keep maps of a run's validation films, which agreement of maps is held against."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from cxrkd.cli.output import Report


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "reference",
        parents=[common],
        help="keep maps of a run's validation films, for the chance lines of explain",
        description="Computes the maps of all networks of a run on its validation films and keeps them with the run. "
        "New runs have them; this is for a run that was made without.",
    )
    verb.add_argument("run", metavar="RUN", help="id or folder")
    verb.add_argument("--folder", type=Path, metavar="DIR", help="where its data set is now (default: where it was)")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Compute and write."""
    from cxrkd.runs import open_run
    from cxrkd.runs.reference import FILE, validation_films, write_reference

    run = open_run(args.run)
    films = validation_films(run, args.folder)
    write_reference(run, films)
    path = run.path / FILE
    size = path.stat().st_size
    document = {"run": run.id, "films": len(films), "file": str(path), "bytes": size}
    return Report(document, [f"{path}: maps of {len(films)} validation films, {size / 1e3:.0f} kB"])
