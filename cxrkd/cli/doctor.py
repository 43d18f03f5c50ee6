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
    queue = health()
    return Report(queue.to_dict(), _lines(queue), [] if queue.well else [queue.line()])


def _lines(queue: Health) -> list[str]:
    from cxrkd.jobs.job import own_jobs
    from cxrkd.jobs.launch import WORKER_LOG

    facts = {
        "worker": "alive" if queue.worker else "none, which is right while nothing waits" if queue.well else "none",
        "last start": _when(queue.started),
        "last end": _when(queue.ended) + ("" if queue.code is None else f", {queue.how_it_ended()}"),
        "failed starts": str(queue.failed_starts),
        "next try": f"in {duration(queue.retry_s)}" if queue.retry_s else "",
        "at work on": ", ".join(queue.running) or MISSING,
        "waiting": ", ".join(queue.queued) or MISSING,
        "unreadable": ", ".join(queue.unreadable) + (": see `runs check`" if queue.unreadable else MISSING),
        "log": str(own_jobs() / WORKER_LOG),
        "in short": queue.line(),
    }
    return [f"{name + ':':<15}{text}" for name, text in facts.items() if text]


def _when(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S") if seconds else MISSING
