"""Frozen results that survive JSON: NaN is written as null, because JSON has no NaN."""

from __future__ import annotations

import math
from dataclasses import fields
from functools import cache
from typing import Any, Self, get_args, get_origin, get_type_hints

from cxrkd.plain import plain


class Record:
    """Mixin for frozen dataclasses of numbers, names, arrays and tuples of these or of other records."""

    def to_dict(self) -> dict[str, Any]:
        """Fields as plain JSON values; NaN and infinity become None."""
        return {f.name: plain(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The record that `to_dict` wrote; None becomes NaN, lists become tuples.

        Raises:
            ValueError: a field is missing or of another type; names it.
        """
        if not isinstance(values, dict):
            raise ValueError(f"expected the fields of {cls.__name__}, got {type(values).__name__}")
        kinds = _kinds(cls)  # type: ignore[arg-type]
        missing = [name for name in kinds if name not in values]
        if missing:
            raise ValueError(f"{missing[0]} is missing")
        return cls(**{name: read_plain(values[name], kind, name) for name, kind in kinds.items()})


@cache
def _kinds(record: type[Record]) -> dict[str, Any]:
    """Field -> its type, of a record."""
    kinds = get_type_hints(record)
    return {f.name: kinds[f.name] for f in fields(record)}  # type: ignore[arg-type]


def read_plain(value: Any, kind: Any, name: str) -> Any:
    """A JSON value as a field of some type.

    Args:
        value: as JSON has it.
        kind: a record, str, bool, int, float (None is NaN), or a tuple of one of these.
        name: of the field, for the error.

    Raises:
        ValueError: it is of another type.
    """
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(read_plain(item, get_args(kind)[0], name) for item in value)
    if isinstance(kind, type) and issubclass(kind, Record):
        return kind.from_dict(value)
    if kind is float and value is None:
        return math.nan
    right = (int, float) if kind is float else kind
    if get_origin(kind) is not None or not isinstance(value, right) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{name} is of another type: {type(value).__name__}")
    return float(value) if kind is float else value
