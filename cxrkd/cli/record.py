"""`record`: who made, cancelled, resumed or deleted what on the pages of this machine's dashboard, newest last."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report, table

if TYPE_CHECKING:
    from cxrkd.access.record import Act


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser("record", parents=[common], help="who made what on the pages of the dashboard, newest last")
    verb.add_argument("-n", type=int, default=0, dest="lines", metavar="N", help="the last N acts (default all)")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """The record.

    Raises:
        AccessError: it cannot be read.
    """
    from cxrkd.access.record import read_acts, record_file

    acts = read_acts()[-args.lines if args.lines > 0 else 0 :]
    document = {"file": str(record_file()), "acts": [asdict(act) for act in acts]}
    none = ["Nothing has been made on a page yet."]
    return Report(document, table(["when", "who", "what", "on", "outcome"], list(map(_row, acts))) if acts else none)


def _row(act: Act) -> list[str]:
    who = " ".join(filter(None, [act.role, act.email or act.mark, act.address]))
    when = datetime.fromtimestamp(act.t).strftime("%Y-%m-%d %H:%M:%S")
    return [_one_line(text) for text in (when, who, act.what, act.on, act.outcome)]


def _one_line(text: str) -> str:
    """Text that a visitor wrote, without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)
