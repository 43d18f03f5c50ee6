"""What a verb hands back, and how it is printed: aligned tables for people, one JSON document for programs."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from cxrkd.plain import plain
from cxrkd.text import legible, sentence


@dataclass(frozen=True)
class Report:
    """The outcome of a command.

    Attributes:
        document: what --json prints; plain values.
        lines: what people read on stdout.
        failures: a sentence for each input that could not be used, printed on stderr.
    """

    document: dict[str, Any]
    lines: Sequence[str]
    failures: Sequence[str] = field(default=())


def show(report: Report, *, as_json: bool) -> None:
    """Print a report: stdout gets the document or the lines, stderr the failures."""
    for failure in report.failures:
        print(f"cxrkd: {sentence(failure)}", file=sys.stderr)
    text = json.dumps(plain(report.document), indent=2, allow_nan=False) if as_json else _printable(report.lines)
    print(text)
    sys.stdout.flush()


def _printable(lines: Sequence[str]) -> str:
    """Lines for a terminal: no name, note or file's name may steer it or hold bytes that it cannot print."""
    return "\n".join(map(legible, "\n".join(lines).split("\n")))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns: the first to the left, the others to the right.

    >>> table(["label", "n"], [["Mass", "7"], ["Hernia", "12"]])
    ['label    n', 'Mass     7', 'Hernia  12']
    """
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in [head, *rows]
    ]


@contextmanager
def set_aside_stdout() -> Iterator[None]:
    """Send to stderr whatever Python code or C++ libraries print on stdout inside the block."""
    sys.stdout.flush()
    try:
        target, kept = sys.stdout.fileno(), os.dup(sys.stdout.fileno())
    except (io.UnsupportedOperation, ValueError):  # stdout is not a file, for example in a test or a notebook
        with redirect_stdout(sys.stderr):
            yield
        return
    try:
        os.dup2(2, target)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, target)
        os.close(kept)


class Ticker:
    """One line on stderr that is rewritten while something takes time; silent when stderr is not a terminal."""

    EVERY_S = 0.2

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._told = 0.0

    def tell(self, text: str) -> None:
        """Replace the line, at most a few times a second."""
        now = time.monotonic()
        if self._terminal and now - self._told >= self.EVERY_S:
            self._told = now
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def line(self, text: str) -> None:
        """Print a line that stays, terminal or not."""
        print(f"{self._start()}{text}", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the line."""
        print(self._start(), end="", file=sys.stderr, flush=True)

    def _start(self) -> str:
        return "\r\x1b[K" if self._terminal else ""
