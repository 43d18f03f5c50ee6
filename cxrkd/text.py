"""Figures and foreign values as text.

Command line, pages and README print one figure in one way. What somebody typed, or a file held, stands in a sentence at
a length that leaves it a sentence.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable

MISSING = "–"
NOT_ENOUGH = "not enough cases"
SHOWN = 60
"""Characters of a foreign value that a sentence shows."""
WORD, PATH, SENTENCE = 120, 400, 2000
"""Longest word, path or address, and sentence."""
_LONG = re.compile(rf"\S{{{WORD + 1},}}")
_BREAKS = re.compile(r"\s*[\n\r\t\v\f\x1c-\x1e\x85\u2028\u2029]\s*")
# Control characters, marks that turn the direction of text, surrogates, private and unassigned characters.
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def shown(value: object, limit: int = SHOWN) -> str:
    """A value that somebody gave, for a sentence: quoted where it is text, cut where it is long.

    >>> shown("Mass"), shown(1234567), shown("x" * 100, 8), shown(10**4999)
    ("'Mass'", '1,234,567', "'xxxxx…'", 'a number of 5,000 digits')
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _whole_number(value, limit)
    if isinstance(value, str):
        quoted = repr(value[:limit])
        return quoted if len(value) <= limit and len(quoted) <= limit else f"{quoted[: limit - 2]}…{quoted[-1]}"
    try:
        return cut(legible(repr(value)), limit)
    except ValueError:  # it holds a number of more digits than Python prints
        return f"a {type(value).__name__} with a number that is too long to show"


def _whole_number(value: int, limit: int) -> str:
    digits = int(max(value.bit_length() - 1, 0) * math.log10(2)) + 1
    digits += abs(value) >= 10**digits
    return f"{value:,}" if digits * 4 / 3 <= limit else f"a number of {digits:,} digits"


def cut(text: str, limit: int = SHOWN) -> str:
    """Text of at most `limit` characters; an ellipsis stands for the rest.

    >>> cut("Cardiomegaly", 8), cut("Mass")
    ('Cardiom…', 'Mass')
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def legible(text: str) -> str:
    r"""Text on one line in which every character can be seen; those that cannot are written as escapes.

    >>> print(legible("a\nb\u202ec"))
    a b\u202ec
    """
    if text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _HIDDEN else c for c in _BREAKS.sub(" ", text)
    )


def sentence(text: str) -> str:
    """A sentence for people, whatever came into it: on one line, legible, no word and no whole without end.

    >>> sentence("Expected a size, got " + "9" * 4000 + ".")
    'Expected a size, got 99999999999999999999999999999999999999999…9999999999999999.'
    """
    return cut(_LONG.sub(_shorter, legible(text[: 20 * SENTENCE])), SENTENCE)


def _shorter(match: re.Match[str]) -> str:
    """A word, or a path of words, by its beginning and its end."""
    parts = re.split(r"([/\\])", match[0])
    whole = "".join(part if len(part) <= WORD else f"{part[: 2 * SHOWN // 3 + 1]}…{part[-17:]}" for part in parts)
    return whole if len(whole) <= PATH else f"{whole[: PATH // 2]}…{whole[1 - PATH // 2 :]}"


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number for people; a dash where there is none.

    >>> number(0.12345), number(-0.5, 1, sign=True), number(float("nan"))
    ('0.123', '-0.5', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:{'+' if sign else ''}.{digits}f}"


def minus(text: str) -> str:
    """Hyphens of formatted numbers as true minus signs.

    >>> minus(number(-0.5, 1))
    '−0.5'
    """
    return text.replace("-", "−")


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
    """Seconds as people say them, in the two largest units; in days where they are many.

    >>> duration(5), duration(75), duration(3700), duration(400_000)
    ('5 s', '1 min 15 s', '1 h 1 min', '4.6 days')
    """
    if seconds is None:
        return MISSING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole >= 2 * 86_400:
        return f"{whole / 86_400:.1f} days"
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
