"""What was answered -> figures. Pure: no sockets, no clock."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Said = dict[str, np.ndarray]
"""Name of a line in a chart -> its values, such as a network's probabilities."""
SAME = 1e-3
"""Answers of one film by engines that agree differ by less, answers of two films by more."""


@dataclass(frozen=True)
class Answered:
    """One question of one visitor.

    Attributes:
        film: name of the file that was uploaded.
        page: "classify" or "explain".
        seconds: from the start of the upload to the page with the answer.
        shown: names of the films that the page spoke of.
        said: what it said.
        at: seconds after the start of the measurement at which it was there.
    """

    film: str
    page: str
    seconds: float
    shown: tuple[str, ...]
    said: Said
    at: float = 0.0


def values(numbers: object) -> np.ndarray:
    """Numbers of a chart's trace: a list, or plotly's packed array."""
    if isinstance(numbers, Mapping):
        return np.frombuffer(base64.b64decode(numbers["bdata"]), dtype=np.dtype(str(numbers["dtype"]))).astype(float)
    return np.array([np.nan if n is None else n for n in numbers], dtype=float)  # type: ignore[union-attr]


def probabilities(spec: str) -> Said:
    """The probabilities of each network, by label in alphabetical order, out of Classify's chart."""
    found: Said = {}
    for trace in json.loads(spec)["data"]:
        if trace.get("hovertemplate") == "%{y}: %{x:.1%}":
            found[trace["name"]] = values(trace["x"])[np.argsort(trace["y"])]
    return found


def markers(spec: str) -> Said:
    """Every number that Explain's chart of agreements draws, by the order of its traces."""
    traces = json.loads(spec)["data"]
    return {str(i): values(t["x"]) for i, t in enumerate(traces) if t.get("x") and _numbers(t["x"])}


def _numbers(x: object) -> bool:
    return isinstance(x, Mapping) or all(n is None or isinstance(n, (int, float)) for n in x)  # type: ignore[union-attr]


def difference(a: Said, b: Said) -> float:
    """The largest difference of two answers; infinite where they are not about the same things."""
    if a.keys() != b.keys() or any(a[name].shape != b[name].shape for name in a) or not a:
        return float("inf")
    if any((np.isnan(a[name]) != np.isnan(b[name])).any() for name in a):
        return float("inf")
    return max(float(np.nanmax(np.abs(a[name] - b[name]), initial=0.0)) for name in a)


def wrong(found: Sequence[Answered], serial: Mapping[str, Said]) -> list[str]:
    """Films that were answered with another one's name, or with other figures than when they are asked alone."""
    named = [one.film for one in found if one.shown != (one.film,)]
    held = [one for one in found if one.film in serial]
    return sorted({*named, *(one.film for one in held if difference(one.said, serial[one.film]) > SAME)})


def summary(found: Sequence[Answered], seconds: float, serial: Mapping[str, Said]) -> dict[str, float]:
    """Answers a second and how long they took, and how they stand against the serial ones."""
    waits = np.array([one.seconds for one in found])
    differences = [difference(one.said, serial[one.film]) for one in found if one.film in serial]
    percentiles = {f"p{q}_s": float(np.percentile(waits, q)) if len(waits) else float("nan") for q in (50, 90, 99)}
    return {
        "answers": len(found),
        "answers_per_s": len(found) / seconds,
        **percentiles,
        "longest_s": float(waits.max(initial=0.0)),
        "held_against_serial": len(differences),
        "largest_difference": max(differences, default=float("nan")),
        "wrong_films": len(wrong(found, serial)),
    }
