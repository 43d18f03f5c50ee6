"""`reference`: keep what a run's figures and maps are held against."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report, Ticker
from cxrkd.text import interval, over_findings

if TYPE_CHECKING:
    from cxrkd.evaluate import ModelMetrics
    from cxrkd.runs import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "reference",
        parents=[common],
        help="keep what a run's figures and maps are held against",
        description="Fits a model that knows no anatomy to a run's training films and keeps what it says about the "
        "held-out ones, keeps maps of all networks on validation films, for the chance lines of explain, measures the "
        "run again, keeps what Overview shows first, and which films the run was made from. New runs have all this; it "
        "is for a run that was made without, and needs its data set.",
    )
    verb.add_argument("run", metavar="RUN", help="id or folder")
    verb.add_argument("--folder", type=Path, metavar="DIR", help="where its data set is now (default: where it was)")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Compute, write, and measure the run again beside it."""
    from cxrkd.checksums import relist
    from cxrkd.jobs.files import write_json
    from cxrkd.runs import open_run
    from cxrkd.runs.reference import FILE, cohort_of, keep_reference
    from cxrkd.runs.run import METRICS
    from cxrkd.runs.seen import keep_seen
    from cxrkd.runs.showcase import film_in, write_showcase

    run, ticker = open_run(args.run), Ticker()
    cohort = cohort_of(run, args.folder)
    n_maps = keep_reference(run, cohort, lambda done, n: ticker.tell(f"film {done} of {n} without anatomy"))
    ticker.clear()
    metrics = run.measure()
    write_json(run.path / METRICS, metrics.to_dict())
    relist(run.path / METRICS)
    write_showcase(run, film_in(cohort))
    keep_seen(run, cohort)
    plain = metrics.trivial
    document = {"run": run.id, "films": n_maps, "file": str(run.path / FILE), "trivial": plain and plain.to_dict()}
    return Report(document, [_maps(run, n_maps), *_no_anatomy(plain)])


def _maps(run: Run, n: int) -> str:
    from cxrkd.explain.reference import MIN_FILMS
    from cxrkd.runs.reference import FILE

    if not n:
        return f"{run.id} has fewer than {MIN_FILMS} validation films, too few to hold maps against: none are kept."
    return f"{run.path / FILE}: maps of {n} validation films, {(run.path / FILE).stat().st_size / 1e3:.0f} kB"


def _no_anatomy(trivial: ModelMetrics | None) -> list[str]:
    if trivial is None:
        return []
    auroc = interval(trivial.macro_auroc, trivial.macro_low, trivial.macro_high)
    return [f"A model that knows no anatomy, AUROC {over_findings(trivial.n_labels)}: {auroc}"]
