"""`runs doctor`: how the queue is doing, and why it stands still."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report
from cxrkd.text import MISSING, duration

if TYPE_CHECKING:
    from cxrkd.jobs.health import Health


def add(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the action."""
    action = actions.add_parser(
        "doctor",
        parents=[common],
        help="is a worker alive, how did the last one end, what waits",
        description="Exit code 1 where somebody has to do something about it.",
    )
    action.add_argument("--restart", action="store_true", help="start the worker now, also after failed starts")
    action.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Tell how the queue is doing."""
    from cxrkd.jobs.health import health
    from cxrkd.jobs.launch import ensure_worker

    if args.restart:
        ensure_worker(at_once=True)
    found = health()
    return Report(found.to_dict(), _lines(found), [] if found.well else [found.line()])


def _lines(found: Health) -> list[str]:
    from cxrkd.jobs.job import own_jobs
    from cxrkd.jobs.launch import WORKER_LOG

    facts = {
        "worker": "alive" if found.worker else "none, which is right while nothing waits" if found.well else "none",
        "last start": _when(found.started),
        "last end": _when(found.ended) + ("" if found.code is None else f", {found.how_it_ended()}"),
        "failed starts": str(found.failed_starts),
        "next try": f"in {duration(found.retry_s)}" if found.retry_s else "",
        "at work on": ", ".join(found.running) or MISSING,
        "waiting": ", ".join(found.queued) or MISSING,
        "unreadable": ", ".join(found.unreadable) + (": see `runs check`" if found.unreadable else MISSING),
        "log": str(own_jobs() / WORKER_LOG),
        "in short": found.line(),
    }
    return [f"{name + ':':<15}{text}" for name, text in facts.items() if text]


def _when(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S") if seconds else MISSING
