"""What a schema refuses in a file of a job, as a few words."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from cxrkd.text import shown

_SAID = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such key; perhaps a newer cxrkd wrote it",
    "unexpected_keyword_argument": "there is no such key; perhaps a newer cxrkd wrote it",
}


def reason(error: ValidationError) -> str:
    """The first thing that was refused: where, what was expected, what came.

    Args:
        error: of any schema.
    """
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{shown(where)}: {_problem(first)}" if where else _problem(first)


def _problem(one: Any) -> str:
    if one["type"] in _SAID:
        return _SAID[one["type"]]
    if one["type"] == "value_error":
        return str(one["msg"]).removeprefix("Value error, ")
    return f"{one['msg'][:1].lower()}{one['msg'][1:80]}, got {shown(one['input'])}"
