"""Widgets for single settings, with the titles and help of the pydantic fields they fill, and what those refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol

import streamlit as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from cxrkd.dashboard.layout import literal
from cxrkd.refusals import refusals


def _field(model: type[BaseModel], name: str) -> FieldInfo:
    return model.model_fields[name]


def complaint(model: type[BaseModel], name: str, value: Any) -> str | None:
    """What is wrong with a value of one field, as a sentence; None where it can be taken."""
    field = _field(model, name)
    try:
        TypeAdapter[Any](Annotated[field.annotation, *field.metadata]).validate_python(value)  # type: ignore[arg-type]
    except ValidationError as error:
        return next(iter(refusals(error, str).values()))
    return None


def complain(sentence: str | None) -> None:
    """Say under a widget why its value cannot be taken."""
    if sentence:
        st.caption(f":red[:material/error: {literal(sentence)}]")


def integer(model: type[BaseModel], name: str, value: int, *, key: str, step: int = 1) -> int:
    """A number input for an integer field, with the field's title and help.

    The browser is not told the bounds: it would put a number beyond them back without a word. What cannot be taken
    stays in the box with a sentence under it.
    """
    field = _field(model, name)
    entered = int(st.number_input(str(field.title), value=value, step=step, key=key, help=field.description))
    complain(complaint(model, name, entered))
    return entered


def real(model: type[BaseModel], name: str, value: float, *, key: str, step: float, format: str = "%g") -> float:
    """A number input for a float field, with the field's title and help; see `integer`."""
    field = _field(model, name)
    entered = float(
        st.number_input(str(field.title), value=value, step=step, format=format, key=key, help=field.description)
    )
    complain(complaint(model, name, entered))
    return entered


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
