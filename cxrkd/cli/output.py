"""What a verb hands back, and how it is printed: aligned tables for people, one JSON document for programs."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

MISSING = "–"


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
    for sentence in report.failures:
        print(f"cxrkd: {sentence}", file=sys.stderr)
    text = json.dumps(plain(report.document), indent=2, allow_nan=False) if as_json else "\n".join(report.lines)
    print(text)
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """The same structure as JSON can hold it: NaN and infinity become None, tuples lists, keys text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number for people; a dash where there is none.

    >>> number(0.12345), number(-0.5, 1, sign=True), number(float("nan"))
    ('0.123', '-0.5', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:{'+' if sign else ''}.{digits}f}"


def interval(value: float | None, low: float | None, high: float | None, *, sign: bool = False) -> str:
    """A number with its interval.

    >>> interval(0.9, 0.85, 0.94)
    '0.900 (0.850 to 0.940)'
    """
    if value is None or math.isnan(value):
        return "not enough cases"
    return f"{number(value, sign=sign)} ({number(low, sign=sign)} to {number(high, sign=sign)})"


def percent(value: float, low: float, high: float) -> str:
    """A share with its interval, in percent.

    >>> percent(0.97, 0.951, 0.989)
    '97.0 % (95.1 to 98.9)'
    """
    if math.isnan(value):
        return "not enough cases"
    return f"{100 * value:.1f} % ({number(100 * low, 1)} to {number(100 * high, 1)})"


def over_findings(n: int) -> str:
    """What a mean is over.

    >>> over_findings(5), over_findings(1)
    ('over 5 findings', 'over 1 finding')
    """
    return f"over {n} finding{'' if n == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them, in the two largest units.

    >>> duration(5), duration(75), duration(3700)
    ('5 s', '1 min 15 s', '1 h 1 min')
    """
    if seconds is None:
        return MISSING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


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
