"""A logit as a sum of parts, in words: what an explainer whose parts add up says beside its map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cxrkd.text import number

NAMED = 4
"""Parts that a sentence names; the others stand in it as one."""


def has_parts(figures: Mapping[str, Any]) -> bool:
    """Whether figures of a network and label (`Maps.figures`) hold parts that add up."""
    return bool(figures.get("parts"))


def sum_sentence(figures: Mapping[str, Any]) -> str:
    """The sum, what counts most first; what is left of the film with every part hidden stands at the end.

    >>> part = {"place": "right base", "score": 1.25, "area": 0.08}
    >>> sum_sentence({"parts": [part], "baseline": -3.0})
    'logit -1.75 = +1.25 right base (8% of the film) -3.00 with all of it hidden'
    """
    parts, baseline = figures["parts"], figures["baseline"]
    logit = baseline + sum(part["score"] for part in parts)
    named = [f"{_signed(part['score'])} {part['place']} ({part['area']:.0%} of the film)" for part in parts[:NAMED]]
    rest = parts[NAMED:]
    if rest:
        named.append(f"{_signed(sum(part['score'] for part in rest))} in {len(rest)} more")
    return f"logit {number(logit, 2)} = {' '.join(named)} {_signed(baseline)} with all of it hidden"


def _signed(value: float) -> str:
    return number(value, 2, sign=True)
