"""`evaluate --stress`: what degraded films do to the answers of a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cxrkd.cli.beside import answered
from cxrkd.cli.output import Report, table
from cxrkd.text import interval, number, over_findings

if TYPE_CHECKING:
    from cxrkd.config import DataConfig
    from cxrkd.evaluate.stress import StressMetrics, StressRow
    from cxrkd.runs import Run
    from cxrkd.runs.stressing.job import StressJob


def add_options(verb: argparse.ArgumentParser) -> None:
    """The options of a stress test."""
    verb.add_argument(
        "--stress",
        action="store_true",
        help="ask the networks about their test films under noise, blur, compression and other tones; kept as a job "
        "beside the run, and read from there the next time. --folder says where the run's data set is now, with --kind "
        "which other films",
    )


def call(run: Run, folder: Path | None, other: DataConfig | None = None) -> Report:
    """Test, or read what an earlier test of the same weights left.

    Args:
        run: finished.
        folder: where its data set is now; None where its config says.
        other: films of another data set.

    Raises:
        CxrkdError: the films are not here, or the test failed.
    """
    from cxrkd.runs.beside import FilmsAsked, asked_about, newest
    from cxrkd.runs.stressing.job import StressJob

    kept = newest(StressJob, run) if folder is None and other is None else None
    job = answered(StressJob, run, FilmsAsked(**asked_about(run, other, folder)), kept)
    metrics = job.metrics()
    document = {"run": run.id, "stress": job.id, "path": str(job.path), "films": job.films_title, **metrics.to_dict()}
    document["rows"] = [row.to_dict() | {"holds": row.holds} for row in metrics.rows]
    return Report(document, [*_lines(run, job, metrics)])


def _lines(run: Run, job: StressJob, metrics: StressMetrics) -> list[str]:
    from cxrkd.evaluate.stress import TOLERATED
    from cxrkd.evaluate.wording import stress_sentence, stress_verdict
    from cxrkd.images.stress import BY_NAME

    head = ["films", *(word for member in metrics.members for word in (member, "change of AUROC")), "verdict"]
    clean = [cell for one in metrics.clean for cell in (number(one.auroc), interval(one.auroc, one.low, one.high))]
    rows = [["as they came", *clean, ""]]
    for stress in metrics.stresses:
        of = metrics.of(stress)
        title = BY_NAME[stress].title if stress in BY_NAME else stress
        rows.append([title, *(cell for row in of.values() for cell in _cells(row)), stress_verdict(of)])
    return [
        f"{run.id}: macro AUROC {over_findings(len(metrics.counted))} on {metrics.n} films ({job.films_title}) of "
        f"{metrics.n_patients} patients, first seed; changes paired by patient, 95 % interval",
        *table(head, rows),
        "",
        *(stress_sentence(metrics, member) for member in metrics.members),
        f"holds: loses at most {TOLERATED:g} of its macro AUROC. It is kept in {job.path}",
    ]


def _cells(row: StressRow) -> list[str]:
    return [number(row.auroc), interval(row.diff, row.low, row.high, sign=True)]
