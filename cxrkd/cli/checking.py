"""`runs check`: verify everything that runs keep, and repair what can be."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report

if TYPE_CHECKING:
    from cxrkd.runs.checking.finding import Finding


def add(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the action."""
    action = actions.add_parser(
        "check",
        parents=[common],
        help="verify every file of runs, and repair what can be",
        description="Reads settings, weights, predictions and figures of runs, holds them against each other and "
        "against their checksums, and says what to do. Exit code 1 where something is wrong still.",
    )
    action.add_argument("run", nargs="*", metavar="RUN", help="ids or folders (default: all runs)")
    action.add_argument("--repair", action="store_true", help="put right what the other files of a run tell")
    action.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Check runs."""
    from cxrkd.jobs.job import list_jobs, open_job
    from cxrkd.runs.checking.check import check_home, check_job

    jobs = [open_job(name) for name in args.run] if args.run else list_jobs()
    findings = {job.id: check_job(job, repair=args.repair) for job in jobs}
    home = [] if args.run else check_home(repair=args.repair)
    lines = [f"{name}: {_count(its)}" for name, its in findings.items()]
    every = [finding for its in findings.values() for finding in its] + home
    document = {
        "runs": {name: [finding.to_dict() for finding in its] for name, its in findings.items()},
        "home": [finding.to_dict() for finding in home],
        "repair": args.repair,
    }
    repaired = [f"repaired: {finding.problem}; {finding.fixed}" for finding in every if finding.fixed]
    return Report(document, [*lines, *repaired], [_sentence(finding) for finding in every if not finding.fixed])


def _count(findings: list[Finding]) -> str:
    wrong = sum(not finding.fixed for finding in findings)
    if not findings:
        return "nothing wrong"
    return f"{wrong} wrong" + (f", {len(findings) - wrong} repaired" if wrong < len(findings) else "")


def _sentence(finding: Finding) -> str:
    return f"{finding.problem.rstrip('.')}. {finding.todo}".rstrip()
