"""Widgets for single settings, with the titles, help and bounds of the pydantic fields they fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def bounds(model: type[BaseModel], name: str) -> tuple[float | None, float | None]:
    """Inclusive lower and upper bound of a numeric field; None where it has none (or an exclusive one)."""
    low = next((m.ge for m in _field(model, name).metadata if getattr(m, "ge", None) is not None), None)
    high = next((m.le for m in _field(model, name).metadata if getattr(m, "le", None) is not None), None)
    return low, high


def _field(model: type[BaseModel], name: str) -> FieldInfo:
    return model.model_fields[name]


def integer(model: type[BaseModel], name: str, value: int, *, key: str, step: int = 1) -> int:
    """A number input for an integer field, with the field's title, help and bounds."""
    low, high = bounds(model, name)
    field = _field(model, name)
    entered = st.number_input(
        str(field.title),
        min_value=None if low is None else int(low),
        max_value=None if high is None else int(high),
        value=value,
        step=step,
        key=key,
        help=field.description,
    )
    return int(entered)


def real(model: type[BaseModel], name: str, value: float, *, key: str, step: float, format: str = "%g") -> float:
    """A number input for a float field, with the field's title, help and bounds."""
    low, high = bounds(model, name)
    field = _field(model, name)
    entered = st.number_input(
        str(field.title),
        min_value=None if low is None else float(low),
        max_value=None if high is None else float(high),
        value=value,
        step=step,
        format=format,
        key=key,
        help=field.description,
    )
    return float(entered)


def switch(model: type[BaseModel], name: str, value: bool, *, key: str) -> bool:
    """A checkbox for a boolean field, with the field's title and help."""
    field = _field(model, name)
    return st.checkbox(str(field.title), value, help=field.description, key=key)


def text(model: type[BaseModel], name: str, value: str, *, key: str) -> str:
    """A line of text for a field that is a path or a name."""
    field = _field(model, name)
    return st.text_input(str(field.title), value, help=field.description, key=key).strip()


class Titled(Protocol):
    """An entry of a registry, with the title that people read."""

    @property
    def title(self) -> str:
        """What it is called."""


def choice(
    model: type[BaseModel],
    name: str,
    options: Sequence[str],
    value: str,
    *,
    key: str,
    titles: Mapping[str, Titled] | None = None,
) -> str:
    """A select box for a field that names something in a registry, shown by title where `titles` gives one."""
    field = _field(model, name)
    index = options.index(value) if value in options else 0

    def shown(option: str) -> str:
        return titles[option].title if titles else option

    label, about = str(field.title), field.description
    return str(st.selectbox(label, options, index=index, format_func=shown, key=key, help=about))


def choices(model: type[BaseModel], name: str, options: Sequence[str], value: Sequence[str], *, key: str) -> list[str]:
    """A box for any number of names of a registry, in the order in which they were chosen."""
    field = _field(model, name)
    return list(st.multiselect(str(field.title), options, value, key=key, help=field.description))
