"""Flags of explainers, from the fields of their config classes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from cxrkd.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo


def add_settings(parser: argparse.ArgumentParser, configs: Mapping[str, type[BaseModel]]) -> None:
    """A group of flags for each explainer that has settings; a flag that several have is theirs together."""
    added: set[str] = set()
    for name, config in configs.items():
        group = parser.add_argument_group(name)
        for key, field in config.model_fields.items():
            if (flag := flag_of(key, field)) not in added:
                group.add_argument(flag, **_options(field))
                added.add(flag)


def settings_of(args: argparse.Namespace, config: type[BaseModel] | None) -> BaseModel | None:
    """The settings that were given, and the defaults of the others; None for an explainer that has none.

    Raises:
        ConfigError: a value is out of range.
    """
    from pydantic import ValidationError

    from cxrkd.refusals import refusals

    if config is None:
        return None
    flags = {key: flag_of(key, field) for key, field in config.model_fields.items()}
    given = {key: getattr(args, flag.removeprefix("--").replace("-", "_")) for key, flag in flags.items()}
    try:
        return config.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigError(" ".join(refusals(error, lambda key: flags.get(key, key)).values())) from error


def flag_of(key: str, field: FieldInfo) -> str:
    """The flag of a field: the one that it names, else its own name."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return str(extra.get("flag", f"--{key.replace('_', '-')}"))


def _options(field: FieldInfo) -> dict[str, Any]:
    """What argparse wants to know of a field."""
    told = f"{field.description or field.title} (default {field.default})".replace("%", "%%")
    if get_origin(field.annotation) is Literal:
        return {"choices": get_args(field.annotation), "help": told}
    if field.annotation is bool:
        return {"action": argparse.BooleanOptionalAction, "default": None, "help": told}
    return {"type": field.annotation, "metavar": "X", "help": told}
