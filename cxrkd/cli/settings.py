"""Flags and files -> `RunConfig`. The flags are made from the fields of the config."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.config_file import read_config, settings_of_run
from cxrkd.cli.names import comma_separated
from cxrkd.errors import ConfigError
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.config import RunConfig
    from cxrkd.config.settings import Setting

TRAINED = {"teacher_train": "teacher", "student_train": "student"}
"""Parts of the config that say the same of two networks -> prefix of their flags."""
BOTH = "Training of teacher and students"
FIRST = "The run"


def whole_numbers(text: str) -> list[int]:
    """`0,1,2` -> `[0, 1, 2]`.

    Raises:
        ArgumentTypeError: something between two commas is not a whole number.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected whole numbers separated by commas, got {shown(text)}") from error


class Switch(argparse.Action):
    """A flag without a value: on by some of its names, off by the others."""

    def __init__(self, option_strings: Sequence[str], dest: str, off: Collection[str], **kwargs: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **kwargs)
        self.off = off

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Set it."""
        setattr(namespace, self.dest, option not in self.off)


@dataclass(frozen=True)
class Flag:
    """A flag: its names, the dotted keys that it sets, and the setting that it is made from.

    Attributes:
        off: those of its names that switch it off.
        group: heading in --help.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    setting: Setting
    group: str
    off: tuple[str, ...] = ()

    @property
    def attribute(self) -> str:
        """Where argparse keeps the value."""
        return self.names[0].removeprefix("--").replace("-", "_")

    @property
    def is_tag(self) -> bool:
        """Whether it says which variant a part of the config is."""
        return bool(self.setting.entries)

    def add(self, group: argparse._ArgumentGroup, defaults: bool) -> None:
        """Add it to a group of options; `defaults` says in its help what the program's value is."""
        text = self._help(defaults).replace("%", "%%")
        if self.setting.type is bool:
            group.add_argument(*self.names, *self.off, action=Switch, off=self.off, dest=self.attribute, help=text)
        else:
            read, metavar = _reading(self.setting)
            group.add_argument(*self.names, dest=self.attribute, type=read, metavar=metavar, help=text)

    def _help(self, defaults: bool) -> str:
        setting = self.setting
        described = setting.described(flag_name)
        variants = f"{', '.join(setting.variants)}: " if len(setting.variants) == 1 else ""
        default = _shown_default(setting) if defaults and len(self.keys) == 1 else ""
        return f"{variants}{setting.title}{f'; {described}' if described else ''}{default}"


def flags() -> tuple[Flag, ...]:
    """Every flag, in the order of the config; each of a network's training for teacher, students and both."""
    from cxrkd.config.settings import settings

    made: list[Flag] = []
    for setting in settings():
        made.append(_flag(setting, {name for flag in made for name in flag.names}))
    return (*(flag for flag in made if flag.setting.key.partition(".")[0] not in TRAINED), *_trained(made))


def _trained(made: Iterable[Flag]) -> list[Flag]:
    """The flags of the networks' training; those that set both come last, and first where they are applied."""
    own = [flag for flag in made if flag.setting.key.partition(".")[0] in TRAINED]
    keys = [flag.setting.key for flag in own]
    both = [flag.setting for flag in own if flag.setting.hints.get("both") and flag.keys[0].startswith("student")]
    return own + [
        _flag_named(s, f"--{_hyphened(s.name)}", tuple(k for k in keys if k.endswith(f".{s.name}")), BOTH) for s in both
    ]


def _flag(setting: Setting, taken: Collection[str]) -> Flag:
    part = setting.key.partition(".")[0]
    if part in TRAINED:
        own = f"--{TRAINED[part]}-{_hyphened(setting.name)}"
        plain = TRAINED[part] == "student" and not setting.hints.get("both")
        return _flag_named(setting, own, (setting.key,), setting.section, (f"--{_hyphened(setting.name)}",) * plain)
    name = setting.hints.get("flag") or f"--{_hyphened(part if setting.entries else setting.name)}"
    if name in taken:
        name = f"--{part}-{_hyphened(setting.name)}"
    return _flag_named(setting, name, (setting.key,), setting.section or FIRST)


def _flag_named(setting: Setting, name: str, keys: tuple[str, ...], group: str, also: tuple[str, ...] = ()) -> Flag:
    stem = name.removeprefix("--")
    off = (f"--no-{stem}", *filter(None, [setting.hints.get("off")])) if setting.type is bool else ()
    return Flag((name, *also), keys, setting, group, off)


def _hyphened(name: str) -> str:
    return name.replace("_", "-")


def _reading(setting: Setting) -> tuple[Callable[[str], Any], str]:
    """How a flag's text becomes a value, and what stands for it in --help. What is out of range pydantic says."""
    if setting.entries:
        return str, "|".join(entry.name for entry in setting.entries)
    if setting.literals:
        return type(setting.literals[0]), "|".join(map(str, setting.literals))
    if setting.hints.get("names") == "variants":
        return (lambda text: setting.listing(comma_separated(text))), "A,B"
    if setting.hints.get("names"):
        return str, str(setting.hints["names"]).upper()
    named: dict[Any, tuple[Callable[[str], Any], str]] = {
        int: (int, "N"),
        float: (float, "X"),
        Path: (str, "PATH"),
        tuple[int, ...]: (whole_numbers, "N,N"),
        tuple[str, ...]: (comma_separated, "A,B"),
    }
    return named.get(setting.type, (str, "TEXT"))


def _shown_default(setting: Setting) -> str:
    value = setting.default
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return f" (default {'on' if value else 'off'})"
    return f" (default {','.join(map(str, value)) if isinstance(value, tuple) else value})"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add --config and --like, and a flag for every setting of a run."""
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--config", type=Path, metavar="FILE", help="a run's config as JSON; flags override it")
    start.add_argument(
        "--like", metavar="RUN", help="id or folder of a run whose settings to take; flags override them"
    )
    add_settings(parser, flags(), defaults=True)


def add_settings(parser: argparse.ArgumentParser, chosen: Sequence[Flag], *, defaults: bool) -> None:
    """Add those flags in groups; `defaults` says what the program's values are."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for flag in chosen:
        if flag.group not in groups:
            groups[flag.group] = parser.add_argument_group(flag.group)
        flag.add(groups[flag.group], defaults)


def run_config(args: argparse.Namespace) -> RunConfig:
    """The config that file and flags describe together.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, or a value is out of range.
        RunError: there is no run to be like.
    """
    if args.like:
        return overridden(settings_of_run(args.like), args, flags())
    return overridden(read_config(args.config) if args.config else {}, args, flags())


def overridden(values: dict[str, Any], args: argparse.Namespace, chosen: Sequence[Flag]) -> RunConfig:
    """The config of `values`, with the keys of those flags replaced that were given.

    A flag that names another variant of a part, such as another objective, leaves behind what that does not know.

    Raises:
        ConfigError: a key is unknown, or a value is out of range.
    """
    given = [flag for flag in chosen if getattr(args, flag.attribute) is not None]
    for flag in sorted(given, key=lambda flag: (not flag.is_tag, -len(flag.keys))):
        for key in flag.keys:
            _put(values, key.split("."), getattr(args, flag.attribute))
        if flag.is_tag:
            _leave_behind(values, flag.setting)
    return _validated(values, args.config if "config" in args else None, _typed(args, given))


def _typed(args: argparse.Namespace, given: Iterable[Flag]) -> dict[str, str]:
    """Dotted key -> the flag that has set it."""
    names: dict[str, str] = {}
    for flag in sorted(given, key=lambda flag: -len(flag.keys)):
        switched_off = getattr(args, flag.attribute) is False
        names |= dict.fromkeys(flag.keys, (flag.off if switched_off else flag.names)[-1])
    return names


def _leave_behind(values: dict[str, Any], tag: Setting) -> None:
    """Forget the values that a part has from its former variant and does not know as the present one."""
    part, _, name = tag.key.partition(".")
    entry = next((entry for entry in tag.entries if entry.name == values[part][name]), None)
    if entry is not None and entry.config is not None:
        values[part] = {key: value for key, value in values[part].items() if key in entry.config.model_fields}


def flag_name(key: str, kind: str = "") -> str:
    """What somebody at the command line calls a dotted key: its option, else the key.

    >>> flag_name("data.n_patients"), flag_name("student_train.mixup"), flag_name("data.labels", "folder")
    ('--patients', '--mixup', '--label-columns')

    Args:
        key: dotted.
        kind: of the data set, where that decides.
    """
    from cxrkd.config.settings import VARIANTS

    if key in VARIANTS:  # a part as a whole: the option that says which it is
        key = f"{key}.{VARIANTS[key].tag}"
    having = [flag for flag in flags() if key in flag.keys]
    having = [flag for flag in having if kind in flag.setting.variants] or having
    if not having:
        return f"{key} (a key of the file given with --config)"
    return (having[-1].off if having[-1].setting.default is True else having[-1].names)[-1]


def _named(key: str, values: Mapping[str, Any], file: Path | None, given: Mapping[str, str]) -> str:
    """The option that set a dotted key, else the key of the file that holds it, else the option that would."""
    parts = key.split(".")
    wholes = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]  # a value of a list is no key of its own
    option = next((given[whole] for whole in wholes if whole in given), None)
    if option is not None or file is not None:
        return option or f"{key} in {file}"
    data = values.get("data", {})
    return flag_name(key, str(data.get("kind", "phantom")) if isinstance(data, dict) else "")


def _put(values: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = values.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"The config's {shown(key)} must be an object, got {shown(inner)}.")
        values = inner
    values[keys[-1]] = value


def _validated(values: dict[str, Any], file: Path | None, given: Mapping[str, str]) -> RunConfig:
    from pydantic import ValidationError

    from cxrkd.config import RunConfig
    from cxrkd.config.filling import with_defaults
    from cxrkd.refusals import refusals

    if "name" not in values:
        raise ConfigError('Give the run a name: --name NAME, or "name" in the config file.')
    try:
        return RunConfig.model_validate_json(json.dumps(with_defaults(values)))
    except ValidationError as error:
        sentences = refusals(error, lambda key: _named(key, values, file, given)).values()
        raise ConfigError(" ".join(dict.fromkeys(sentences))) from error
