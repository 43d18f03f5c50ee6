"""Settings that were refused, as sentences: which one, what was expected, what came.

pydantic's report speaks of keys and types. Whoever asked for the settings knows what people call them: a page by the
title beside the widget, the command line by the option.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from cxrkd.config.settings import named
from cxrkd.text import sentence, shown

Naming = Callable[[str], str]

_EXPECTED: dict[str, str] = {
    "greater_than_equal": "expected at least {ge:,g}",
    "greater_than": "expected more than {gt:,g}",
    "less_than_equal": "expected at most {le:,g}",
    "less_than": "expected less than {lt:,g}",
    "string_too_long": "expected at most {max_length} characters",
    "literal_error": "expected {expected}",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a number that is not infinite",
    "bool_type": "expected yes or no",
    "bool_parsing": "expected yes or no",
    "string_type": "expected text",
    "tuple_type": "expected a list",
    "string_unicode": "expected text",
    "dict_type": "expected an object with settings",
    "settings_type": "expected an object with settings",
    "model_type": "expected an object with settings",
    "model_attributes_type": "expected an object with settings",
    "path_type": "expected a path",
}
_NOTHING = ("missing", "string_too_short", "too_short")


def refusals(error: ValidationError, name: Naming) -> dict[str, str]:
    """What was refused: dotted key -> a sentence that starts with the setting's name; "" for what concerns several.

    Args:
        error: of a `RunConfig` or a part of one.
        name: what the reader calls a dotted key. Keys in braces in the text of a validator are named by it too.
    """
    sentences: dict[str, str] = {}
    errors = error.errors()
    parents = {other["loc"][:-1] for other in errors}
    for one in errors:
        if one["type"] == "too_short" and one["loc"] in parents:
            continue  # of a list whose values were refused, and which therefore has none left
        key = _key(one)
        problem = named(_problem(one), name)
        whole = f"{name(key)}: {problem}." if key else f"{problem[:1].upper()}{problem[1:]}."
        sentences.setdefault(key, sentence(whole))
    return sentences


def _key(one: Any) -> str:
    """The dotted key, as a file would have it."""
    return ".".join(map(str, one["loc"]))


def _problem(one: Any) -> str:
    kind, context = one["type"], one.get("ctx", {})
    if kind in _NOTHING:
        return "nothing was given"
    if kind == "extra_forbidden":
        whose = f" of {context['entry']}" if "entry" in context else ""
        return f"there is no such setting{whose}{' data' if one['loc'][0] == 'data' else ''}"
    if kind == "value_error":
        return str(one["msg"]).removeprefix("Value error, ")
    expected = _EXPECTED[kind].format(**context) if kind in _EXPECTED else str(one["msg"])
    return f"{expected}, got {shown(one['input'])}"
