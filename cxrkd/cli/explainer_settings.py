"""Flags of explainers, from the fields of their config classes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cxrkd.cli.settings import Flag
from cxrkd.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel


def add_settings(parser: argparse.ArgumentParser, configs: Mapping[str, type[BaseModel]]) -> None:
    """A group of flags for each explainer that has settings; a flag that several have is theirs together."""
    added: set[str] = set()
    for name, config in configs.items():
        group = parser.add_argument_group(name)
        for flag in flags_of(config, name).values():
            if flag.names[0] not in added:
                flag.add(group, defaults=True)
                added.add(flag.names[0])


def settings_of(args: argparse.Namespace, config: type[BaseModel] | None) -> BaseModel | None:
    """The settings that were given, and the defaults of the others; None for an explainer that has none.

    Raises:
        ConfigError: a value is out of range.
    """
    from pydantic import ValidationError

    from cxrkd.refusals import refusals

    if config is None:
        return None
    flags = flags_of(config)
    given = {key: getattr(args, flag.attribute) for key, flag in flags.items()}
    try:
        return config.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        sentences = refusals(error, lambda key: flags[key].names[0] if key in flags else key)
        raise ConfigError(" ".join(sentences.values())) from error


def flags_of(config: type[BaseModel], group: str = "") -> dict[str, Flag]:
    """By field."""
    from cxrkd.config.settings import Setting

    flags = {}
    for key, field in config.model_fields.items():
        setting = Setting(key, field, field.get_default(call_default_factory=True))
        name = setting.hints.get("flag") or f"--{key.replace('_', '-')}"
        off = (f"--no-{name.removeprefix('--')}",) if setting.type is bool else ()
        flags[key] = Flag((name,), (key,), setting, group, off)
    return flags
