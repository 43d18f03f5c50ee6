"""Files of a job that a schema describes: read, or refused in a few words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from cxrkd.config.strict import Strict
from cxrkd.jobs.files import damaged, read_versioned
from cxrkd.text import shown

M = TypeVar("M", bound=Strict)

_SAID = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such key; perhaps a newer cxrkd wrote it",
    "unexpected_keyword_argument": "there is no such key; perhaps a newer cxrkd wrote it",
}


def read_recorded(path: Path, version: int, schema: type[M]) -> M:
    """What a versioned JSON file holds, as it was recorded: readable where it would be refused if asked for today.

    Raises:
        MissingFileError: it is not there.
        RunError: it is damaged, or a newer version wrote it.
    """
    values = read_versioned(path, version)
    try:
        return schema.recorded(values)
    except ValidationError as error:
        raise damaged(path, reason(error)) from error


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
