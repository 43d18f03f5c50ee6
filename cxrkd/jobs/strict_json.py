"""JSON without trust: finite numbers of a sensible length, no key twice, nested no deeper than anything of ours."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from cxrkd.text import shown

_DEEPEST = 32
_LONGEST_WHOLE = 18  # digits: what fits into 64 bits


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is no such JSON; says why.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_number, parse_int=_whole, parse_float=_finite
        )
    except RecursionError as error:
        raise ValueError(f"it is nested deeper than {_DEEPEST}") from error
    _require_shallow(value, 0)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    by_name = dict(pairs)
    if len(by_name) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} stands there twice")
    return by_name


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _whole(text: str) -> int:
    if len(text) > _LONGEST_WHOLE:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def _require_shallow(value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError(f"it is nested deeper than {_DEEPEST}")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _require_shallow(item, depth + 1)
