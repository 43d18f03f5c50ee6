"""What a field of a config says of itself beyond title, description, type and bounds."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Unpack


class Hints(TypedDict, total=False):
    """For whoever makes an option or a widget of a field; all may be left out.

    Attributes:
        flag: the option, where it is not the field's name: `--patients` for `n_patients`.
        off: the option that switches it off, where it is not `--no-` and the field's name.
        section: heading under which it stands, where that is not the title of its part; empty for what comes first.
        step: of a number, between one press and the next.
        names: what a text is the name of, forms offer those there are: a network, a run, or, where several stand in a
            list, other variants of the part that the field belongs to (with their own settings as they are by default).
        role: the networks that are offered.
        several: whether several networks may be joined.
        none: what a form calls no name at all.
        both: of a network's training: the option without a prefix sets it for the teacher and the students, instead of
            for the students alone.
    """

    flag: str
    off: str
    section: str
    step: float
    names: Literal["network", "run", "variants"]
    role: Literal["teacher", "student"]
    several: bool
    none: str
    both: bool


def hints(**given: Unpack[Hints]) -> dict[str, Any]:
    """The `json_schema_extra` of a field: `Field(400, title="Patients", json_schema_extra=hints(step=20))`."""
    return dict(given)
