"""The form of a new run, made from the settings of its config: widgets -> `RunConfig`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from pydantic import ValidationError
from streamlit.delta_generator import DeltaGenerator

from cxrkd.access import folders
from cxrkd.config import RunConfig
from cxrkd.config.settings import Setting, settings
from cxrkd.dashboard.distill.presets import Start
from cxrkd.dashboard.distill.widgets import has_widget, parse_seeds, variant, widget
from cxrkd.dashboard.layout import side_by_side
from cxrkd.dashboard.settings import setting_title
from cxrkd.errors import ConfigError
from cxrkd.refusals import refusals

AGAIN = "Change it and press Distil again."


def variants(start: Start) -> dict[str, str]:
    """Which data set and which objective; outside the form, because they change the form's fields.

    Returns:
        Part of the config -> name of what it is.
    """
    base = start.config("start")
    tags = [setting for setting in settings() if setting.entries]
    chosen = {}
    for setting, column in zip(tags, st.columns(len(tags)), strict=True):
        with column:
            chosen[_part(setting)] = variant(setting, _start(setting, base), key=_variant_key(setting, base))
    return chosen


@dataclass(frozen=True)
class Entered:
    """What stands in the form now.

    Attributes:
        values: of the config's fields as entered, nested; not checked yet.
        submitted: whether its button was just pressed.
        beside: an empty place beside the button, for what follows from the values.
    """

    values: dict[str, Any]
    submitted: bool
    beside: DeltaGenerator

    def config(self) -> RunConfig:
        """The config that the values are.

        Raises:
            ConfigError: the entries contradict each other, or one cannot be taken.
            AccessError: the folder is not open to pages.
        """
        return validated(self.values)

    def config_so_far(self) -> RunConfig:
        """The same for whoever looks at the values before the button is pressed.

        Raises:
            ConfigError: as there; says nothing of pressing it again.
            AccessError: as there.
        """
        try:
            return self.config()
        except ConfigError as error:
            raise ConfigError(str(error).removesuffix(AGAIN).rstrip()) from error


def ask(start: Start, chosen: Mapping[str, str], finished: Sequence[str], suggested_name: str) -> Entered:
    """The form of a run. It is no `st.form`: what follows from its values is shown while they change.

    Args:
        start: defaults.
        chosen: what `variants` gave.
        finished: ids of runs that can be started from.
        suggested_name: default of the name field.
    """
    prefix = f"new_{start.key}"
    with st.container(border=True, key=f"{prefix}_form"):
        bases = start.config(suggested_name, chosen["data"]), start.config(suggested_name)
        values = _fields(*bases, chosen, finished, prefix)
        with st.container(horizontal=True, vertical_alignment="center"):
            submitted = st.button("Distil", type="primary", icon=":material/science:", key=f"{prefix}_distil")
            beside = st.container()
    return Entered(nested(values), submitted, beside)


def _fields(
    base: RunConfig, usual: RunConfig, chosen: Mapping[str, str], finished: Sequence[str], prefix: str
) -> dict[str, Any]:
    """A widget for every setting: dotted key -> what is entered.

    One that starts elsewhere on these images than it does as a rule (`usual`) is a widget of its own: a teacher of
    drawn films is not kept for real ones.
    """
    values: dict[str, Any] = {setting.key: chosen[_part(setting)] for setting in settings(chosen) if setting.entries}

    def ask_for(setting: Setting) -> None:
        part = chosen.get(_part(setting), _part(setting))
        own = chosen["data"] if _start(setting, base) != _start(setting, usual) else ""
        key = "_".join(filter(None, [prefix, part, setting.name, own]))
        values[setting.key] = widget(setting, _start(setting, base), key=key, finished=finished)

    sections = _sections(chosen)
    cells = st.grid(3, min_column_width=200)
    for setting in sections.pop(""):
        with cells.cell():
            ask_for(setting)
    halves = side_by_side()
    for index, (title, members) in enumerate(sections.items()):
        with halves[index % 2], st.expander(title):
            columns = st.columns(2)
            switches = [setting for setting in members if setting.type is bool]
            for place, setting in enumerate(setting for setting in members if setting not in switches):
                with columns[place % 2]:
                    ask_for(setting)
            for setting in switches:  # their titles stand beside them and would be cut
                ask_for(setting)
    return values


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys -> the objects of a config; what was left empty and has to be given is left out.

    >>> nested({"name": "x", "data.kind": "phantom", "data.seed": 1})
    {'name': 'x', 'data': {'kind': 'phantom', 'seed': 1}}
    """
    whole: dict[str, Any] = {}
    for key, value in values.items():
        part, _, name = key.rpartition(".")
        (whole.setdefault(part, {}) if part else whole)[name] = value
    return whole


def validated(values: dict[str, Any]) -> RunConfig:
    """Build the config from the form's values (`seeds` as typed); what cannot be taken is named by the fields' titles.

    Raises:
        ConfigError: a value is out of range or contradicts another.
        AccessError: the folder is not open to pages.
    """
    data = dict(values.get("data", {}))
    if data.get("folder") == "":
        del data["folder"]
    if data.get("folder") is not None:  # before anything expands or resolves what was typed
        data["folder"] = folders.admit(data["folder"])
    try:
        return RunConfig.model_validate(values | {"data": data, "seeds": parse_seeds(values["seeds"])})
    except ValidationError as error:
        kind = str(data.get("kind", "phantom"))
        sentences = list(refusals(error, lambda key: setting_title(key, kind)).values())
        raise ConfigError(" ".join([*sentences, AGAIN])) from error


def _sections(chosen: Mapping[str, str]) -> dict[str, list[Setting]]:
    """Heading -> the settings under it, in the order of the config; what stands first has none."""
    sections: dict[str, list[Setting]] = {"": []}
    for setting in settings(chosen):
        if not setting.entries and has_widget(setting):
            sections.setdefault(setting.section, []).append(setting)
    return sections


def _part(setting: Setting) -> str:
    return setting.key.rpartition(".")[0]


def _start(setting: Setting, base: RunConfig) -> Any:
    """What stands in a widget first: the preset's value, also of another variant that has a setting like it."""
    part = _part(setting)
    owner = getattr(base, part) if part else base
    if setting.key == "data.folder" and not folders.is_open(base.data):
        return None  # of a run of the command line, whose folder pages neither read nor name
    theirs = type(owner).model_fields.get(setting.name)
    alike = theirs is not None and theirs.default == setting.field.default
    return getattr(owner, setting.name) if alike or setting.entries else setting.default


def _variant_key(setting: Setting, base: RunConfig) -> str:
    """A choice outside the form outlives another preset, unless that starts from another one."""
    key, start = setting.key.replace(".", "_"), _start(setting, base)
    return key if start == setting.default else f"{key}_{start}"
