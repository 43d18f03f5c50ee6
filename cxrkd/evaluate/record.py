"""Frozen results that survive JSON: NaN is written as null, because JSON has no NaN."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, Self

import numpy as np


class Record:
    """Mixin for frozen dataclasses of numbers, names, arrays and tuples of these or of other records."""

    def to_dict(self) -> dict[str, Any]:
        """Fields as plain JSON values; NaN becomes None."""
        return {f.name: to_plain(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The record that `to_dict` wrote; None becomes NaN, lists become tuples."""
        return cls(**{f.name: from_plain(values[f.name]) for f in fields(cls)})  # type: ignore[arg-type]


def to_plain(value: Any) -> Any:
    """A field as JSON can hold it."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, tuple | list):
        return [to_plain(v) for v in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def from_plain(value: Any) -> Any:
    """A JSON value as a field: None is NaN, a list is a tuple."""
    if isinstance(value, list):
        return tuple(from_plain(v) for v in value)
    return math.nan if value is None else value
