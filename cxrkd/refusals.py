"""Settings that were refused, as sentences: which one, what was expected, what came.

pydantic's report speaks of keys and types. Whoever asked for the settings knows what people call them: a page by the
title beside the widget, the command line by the option.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from cxrkd.config import setting_name
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
    "union_tag_invalid": "expected {expected_tags}",
    "union_tag_not_found": "expected the settings of a data set",
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
    for one in error.errors():
        key = _key(one)
        problem = named(_problem(one), name)
        whole = f"{name(key)}: {problem}." if key else f"{problem[:1].upper()}{problem[1:]}."
        sentences.setdefault(key, sentence(whole))
    return sentences


def _key(one: Any) -> str:
    """The dotted key; the tag of a data set is its own key, `kind`."""
    tag = ("kind",) if one["type"] == "union_tag_invalid" else ()
    return setting_name((*one["loc"], *tag))


def _problem(one: Any) -> str:
    kind, context = one["type"], one.get("ctx", {})
    if kind in _NOTHING:
        return "nothing was given"
    if kind == "extra_forbidden":
        data = f" of {one['loc'][1]} data" if one["loc"][0] == "data" and one["loc"][2:] else ""
        return f"there is no such setting{data}"
    if kind == "value_error":
        return str(one["msg"]).removeprefix("Value error, ")
    expected = _EXPECTED[kind].format(**context) if kind in _EXPECTED else str(one["msg"])
    return f"{expected}, got {shown(context['tag'] if kind == 'union_tag_invalid' else one['input'])}"
