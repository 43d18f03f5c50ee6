"""A setting -> the widget that fits its type, with its title and help, and what its field refuses.

Browsers are not told bounds: they would put a number beyond them back without a word. What cannot be taken stays in
its widget with a sentence under it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import streamlit as st
from pydantic import TypeAdapter, ValidationError

from cxrkd.cli.names import comma_separated
from cxrkd.config.settings import Setting
from cxrkd.dashboard.layout import literal
from cxrkd.dashboard.settings import setting_title
from cxrkd.errors import ConfigError
from cxrkd.models.network import JOIN, NETWORKS
from cxrkd.models.zoo import list_archs
from cxrkd.refusals import refusals
from cxrkd.registry import Entry
from cxrkd.text import shown

LONGEST_SEED = 20  # digits, far beyond any seed that is taken: Python does not read numbers of thousands


def widget(setting: Setting, value: Any, *, key: str, finished: Sequence[str] = ()) -> Any:
    """Ask for one setting.

    Args:
        setting: what for.
        value: what stands there first.
        key: of the widget.
        finished: ids of the runs that can be named.

    Returns:
        What was entered, not yet checked: for whole numbers as typed, None where nothing was typed and nothing is
        expected.
    """
    hints = setting.hints
    if hints.get("names") == "run":
        return _run(setting, value, finished, key)
    if hints.get("names") == "variants":
        return _variants(setting, value, key)
    if hints.get("names") == "network":
        return _networks(setting, value, key) if hints.get("several") else _network(setting, value, key)
    if setting.literals:
        return st.selectbox(setting.title, setting.literals, _index(setting.literals, value), str, key, _help(setting))
    return WIDGETS[setting.type](setting, value, key)


def has_widget(setting: Setting) -> bool:
    """Whether a form can ask for it."""
    return bool(setting.literals or setting.hints.get("names") or setting.type in WIDGETS)


def variant(setting: Setting, value: str, *, key: str) -> str:
    """A select box for what a part of a run is, by titles; its help says what each is in a sentence."""
    entries = {entry.name: entry for entry in setting.entries}
    return _entry(setting, list(entries), entries, value, key)


def complaint(setting: Setting, value: Any) -> str | None:
    """What is wrong with a value of a setting, as a sentence; None where it can be taken."""
    field = setting.field
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    try:
        TypeAdapter[Any](kind).validate_python(value)
    except ValidationError as error:
        return next(iter(refusals(error, str).values()))
    return None


def parse_seeds(text: str) -> tuple[int, ...]:
    """`"0, 1 2"` -> `(0, 1, 2)`.

    Raises:
        ConfigError: something in it is not a whole number, or there is none.
    """
    words = [word for word in re.split(r"[,\s]+", text) if word]
    if not words or not all(word.isdecimal() and len(word) <= LONGEST_SEED for word in words):
        raise ConfigError(f"Seeds are whole numbers with commas between them, for example 0, 1, 2. Got {shown(text)}.")
    return tuple(int(word) for word in words)


def _complain(sentence: str | None) -> None:
    """Say under a widget why its value cannot be taken."""
    if sentence:
        st.caption(f":red[:material/error: {literal(sentence)}]")


def _help(setting: Setting, entries: Mapping[str, Entry] | None = None) -> str | None:
    """The description, and a line for each entry that can be chosen."""
    lines = [f"- **{entry.title}**: {entry.sentence}" for entry in (entries or {}).values()]
    return "\n".join(filter(None, [setting.described(setting_title), "", *lines])) or None


def _index(options: Sequence[Any], value: Any) -> int:
    return options.index(value) if value in options else 0


def _entry(setting: Setting, names: Sequence[str], entries: Mapping[str, Entry], value: str, key: str) -> str:
    def title(name: str) -> str:
        return entries[name].title

    text = _help(setting, {name: entries[name] for name in names})
    return str(st.selectbox(setting.title, names, _index(names, value), title, key, text))


def _network(setting: Setting, value: str, key: str) -> str:
    return _entry(setting, _offered(setting, [value]), NETWORKS, value, key)


def _offered(setting: Setting, values: Sequence[str]) -> list[str]:
    """The networks of the setting's role, and those that stand there: another run may have had any as its teacher."""
    names = list_archs(setting.hints.get("role"))
    return [*names, *(value for value in values if value not in names)]


def _networks(setting: Setting, value: str, key: str) -> str:
    """Any number of networks, in the order in which they were chosen."""
    names = _offered(setting, value.split(JOIN))

    def title(name: str) -> str:
        return NETWORKS[name].title

    text = _help(setting, {name: NETWORKS[name] for name in names})
    chosen = st.multiselect(setting.title, names, value.split(JOIN), format_func=title, key=key, help=text)
    return JOIN.join(chosen)


def _variants(setting: Setting, value: Sequence[Any], key: str) -> list[dict[str, str]]:
    """Any number of other variants, with their settings as they are by default."""
    others = setting.of_part.entries()

    def title(name: str) -> str:
        return others[name].title

    listed = [getattr(one, setting.of_part.tag) for one in value]
    chosen = st.multiselect(
        setting.title, list(others), listed, format_func=title, key=key, help=_help(setting, others)
    )
    return setting.listing(chosen)


def _run(setting: Setting, value: str | None, finished: Sequence[str], key: str) -> str | None:
    none = setting.hints.get("none", "none")

    def title(run_id: str | None) -> str:
        return run_id or none

    offered = [None, *finished]
    return st.selectbox(setting.title, offered, _index(offered, value), title, key, _help(setting))


def _switch(setting: Setting, value: bool, key: str) -> bool:
    return st.checkbox(setting.title, value, help=_help(setting), key=key)


def _integer(setting: Setting, value: int, key: str) -> int:
    step = int(setting.hints.get("step", 1))
    entered = int(st.number_input(setting.title, value=value, step=step, key=key, help=_help(setting)))
    _complain(complaint(setting, entered))
    return entered


def _real(setting: Setting, value: float, key: str) -> float:
    step = float(setting.hints.get("step", 0.1))
    entered = float(
        st.number_input(setting.title, value=float(value), step=step, format="%g", key=key, help=_help(setting))
    )
    _complain(complaint(setting, entered))
    return entered


def _text(setting: Setting, value: Any, key: str) -> str | None:
    longest = next((rule.max_length for rule in setting.field.metadata if hasattr(rule, "max_length")), None)
    text = "" if value is None else str(value)
    entered = st.text_input(setting.title, text, max_chars=longest, help=_help(setting), key=key).strip()
    return entered if entered or setting.default is not None or setting.field.is_required() else None


def _names(setting: Setting, value: Sequence[str], key: str) -> tuple[str, ...]:
    return tuple(comma_separated(_text(setting, ", ".join(value), key) or ""))


def _whole_numbers(setting: Setting, value: Sequence[int], key: str) -> str:
    """As typed: a form keeps what cannot be read."""
    entered = st.text_input(setting.title, ", ".join(map(str, value)), help=_help(setting), key=key)
    try:
        parse_seeds(entered)
    except ConfigError as error:
        _complain(str(error))
    return entered


WIDGETS: dict[Any, Callable[[Setting, Any, str], Any]] = {
    bool: _switch,
    int: _integer,
    float: _real,
    str: _text,
    Path: _text,
    tuple[str, ...]: _names,
    tuple[int, ...]: _whole_numbers,
}
"""Type of a setting -> its widget."""
