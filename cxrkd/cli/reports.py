"""`--report FILE`: what a verb shows, as one file to keep."""

from __future__ import annotations

import argparse
from pathlib import Path

from cxrkd.cli.files import writing


def add_report(verb: argparse.ArgumentParser, named: str) -> None:
    """Add the options; `named` says how the report names films unless it may tell all names."""
    verb.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write a report: one page that opens anywhere (.html), or the same as JSON (.json)",
    )
    verb.add_argument(
        "--names",
        action="store_true",
        help=f"tell names of films in the report; without this {named}, since a file's name may be a patient's",
    )


def ending_of(args: argparse.Namespace) -> str:
    """Which form of report was asked for, before anything is computed; empty where none was.

    Raises:
        ConfigError: neither .html nor .json.
    """
    from cxrkd.report import sheet

    return "" if args.report is None else sheet.ending_of(args.report)


def write_report(path: Path, text: str) -> str:
    """Write it; returns where.

    Raises:
        ConfigError: the file or its folder cannot be written.
    """
    with writing(path):
        path.write_text(text, encoding="utf-8")
    return str(path)
