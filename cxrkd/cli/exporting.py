"""`runs export`: the curves of a run for TensorBoard or MLflow."""

from __future__ import annotations

import argparse
from typing import Any

from cxrkd.cli.output import Report


def add(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the action."""
    action = actions.add_parser("export", parents=[common], help="write its curves for TensorBoard or MLflow")
    action.add_argument("run", metavar="RUN", help="id or folder of a run or a search")
    action.add_argument(
        "--to",
        required=True,
        metavar="TARGET",
        help="tensorboard:DIR or mlflow:URI; what is there is not written twice",
    )
    action.add_argument("--follow", action="store_true", help="go on until the run is at rest")
    action.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Write what is not yet there."""
    from cxrkd.jobs.job import open_job
    from cxrkd.runs.exporting import export
    from cxrkd.runs.loggers import logger_of

    job = open_job(args.run)
    job.require_readable()
    n = export(job, logger_of(args.to, job.id), follow=args.follow)
    return Report({"run": job.id, "to": args.to, "epochs": n}, [f"{job.id}: {n} epochs written to {args.to}"])
