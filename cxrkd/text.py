"""Figures as text: the command line, the pages and the README print one figure in one way."""

from __future__ import annotations

import math
from collections.abc import Callable

MISSING = "–"
NOT_ENOUGH = "not enough cases"


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number for people; a dash where there is none.

    >>> number(0.12345), number(-0.5, 1, sign=True), number(float("nan"))
    ('0.123', '-0.5', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:{'+' if sign else ''}.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share as percent.

    >>> percent(0.96987), percent(None)
    ('97.0 %', '–')
    """
    return MISSING if value is None or math.isnan(value) else f"{100 * value:.{digits}f} %"


def interval(value: float | None, low: float | None, high: float | None, *, digits: int = 3, sign: bool = False) -> str:
    """A number with its interval.

    >>> interval(0.9, 0.85, 0.94)
    '0.900 (0.850 to 0.940)'
    """
    return _interval(value, low, high, lambda part: number(part, digits, sign=sign))


def percent_interval(value: float | None, low: float | None, high: float | None) -> str:
    """A share with its interval, in percent.

    >>> percent_interval(0.9699, 0.951, 0.989)
    '97.0 % (95.1 to 98.9)'
    """
    return _interval(value, low, high, percent).replace(" % to", " to").replace(" %)", ")")


def _interval(value: float | None, low: float | None, high: float | None, shown: Callable[[float | None], str]) -> str:
    if value is None or math.isnan(value):
        return NOT_ENOUGH
    return f"{shown(value)} ({shown(low)} to {shown(high)})"


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


def mean_of(count: int, what: str = "finding") -> str:
    """What a mean is a mean of.

    >>> mean_of(5), mean_of(1)
    ('mean of 5 findings', '1 finding')
    """
    return f"{count} {what}" if count == 1 else f"mean of {count} {what}s"


def over_findings(n: int) -> str:
    """What a mean is over.

    >>> over_findings(5), over_findings(1)
    ('over 5 findings', 'over 1 finding')
    """
    return f"over {n} finding{'' if n == 1 else 's'}"
