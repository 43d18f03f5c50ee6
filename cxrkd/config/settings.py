"""The settings of a run, one by one, as the fields of its config describe them.

Options, forms, help and sentences of refusal are made from these, so that a setting is said once: in its field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cxrkd.config.data import trainable
from cxrkd.config.hints import Hints
from cxrkd.config.objective import OBJECTIVES
from cxrkd.config.run import RunConfig
from cxrkd.registry import Entry

_KEY_IN_TEXT = re.compile(r"\{([a-z_.]+)\}")


@dataclass(frozen=True)
class Variants:
    """A part of a run whose settings depend on which entry of a registry it names.

    Attributes:
        tag: the key that holds the name.
        entries: asked for what can be named.
    """

    tag: str
    entries: Callable[[], Mapping[str, Entry]]


VARIANTS: dict[str, Variants] = {
    "data": Variants("kind", trainable),
    "objective": Variants("name", lambda: OBJECTIVES),
}
"""Part of a run -> the registry that says which settings it has."""


@dataclass(frozen=True)
class Setting:
    """One setting of a run.

    Attributes:
        key: where it stands in a config, dotted: `student_train.epochs`.
        field: its title, description, type, bounds and hints.
        default: of a run that says nothing; None where it has to be given.
        section: heading under which it stands; empty for what comes first.
        part: title of the part of the config that it belongs to; empty where its own title says enough.
        variants: names of the entries that have it, where its part has variants.
        entries: what it names, where it says which variant its part is.
    """

    key: str
    field: FieldInfo
    default: Any
    section: str = ""
    part: str = ""
    variants: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition(".")[2]

    @property
    def of_part(self) -> Variants:
        """The variants of the part that it belongs to."""
        return VARIANTS[self.key.partition(".")[0]]

    def listing(self, names: Iterable[str]) -> list[dict[str, str]]:
        """The value of a list of other variants: each with its settings as they are by default."""
        return [{self.of_part.tag: name} for name in names]

    @property
    def title(self) -> str:
        """What people call it, without its part."""
        return self.field.title or self.name

    @property
    def full_title(self) -> str:
        """What people call it among all settings: `Training of the students, Epochs at full size`."""
        return f"{self.part}, {self.title}" if self.part else self.title

    @property
    def hints(self) -> Hints:
        """What its field says for options and widgets."""
        return _hints(self.field)

    @property
    def type(self) -> Any:
        """The type of its value where there is one: without None and without what validates it."""
        return _bare(self.field.annotation)

    @property
    def literals(self) -> tuple[Any, ...]:
        """The values that it can have, where they are listed."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    def described(self, name: Callable[[str], str]) -> str:
        """Its description, with the keys in braces by the names that the reader knows them by."""
        return named(self.field.description or "", name)


def named(text: str, name: Callable[[str], str]) -> str:
    """A text with the dotted keys in braces replaced by what the reader calls them.

    >>> named("needs {objective.view} set to same", lambda key: "--view")
    'needs --view set to same'
    """
    return _KEY_IN_TEXT.sub(lambda match: name(match.group(1)), text)


def settings(chosen: Mapping[str, str] | None = None) -> tuple[Setting, ...]:
    """Every setting of a run, in the order of its config.

    Args:
        chosen: the variant of each part, `{"data": "chexpert", "objective": "bkd"}`; None for those of all variants, of
            which those that agree on a setting share it.
    """
    return tuple(_top(chosen))


def _top(chosen: Mapping[str, str] | None) -> Iterator[Setting]:
    for name, field in RunConfig.model_fields.items():
        if name in VARIANTS:
            yield _tag(name, field)
            yield from _varied(name, field, None if chosen is None else chosen[name])
        elif isinstance(default := _default(field), BaseModel):
            part = str(field.title)
            for inner, own in type(default).model_fields.items():
                yield Setting(f"{name}.{inner}", own, getattr(default, inner), part, part)
        else:
            yield Setting(name, field, default, _hints(field).get("section", ""))


def _tag(name: str, field: FieldInfo) -> Setting:
    """The setting that says which variant a part is."""
    variants = VARIANTS[name]
    tag = FieldInfo(annotation=str, title=field.title, json_schema_extra=field.json_schema_extra)
    default, entries = getattr(_default(field), variants.tag), tuple(variants.entries().values())
    return Setting(f"{name}.{variants.tag}", tag, default, _heading(field), entries=entries)


def _varied(name: str, field: FieldInfo, chosen: str | None) -> Iterator[Setting]:
    """The settings of one variant or of all; under the part's own heading they are called by their part, too."""
    part = "" if "section" in _hints(field) else str(field.title)
    known: list[Setting] = []
    tag, usual = VARIANTS[name].tag, _default(field)
    for entry in VARIANTS[name].entries().values():
        if chosen not in (None, entry.name) or entry.config is None:
            continue
        for inner, own in entry.config.model_fields.items():
            section = _hints(own).get("section", _heading(field))
            default = getattr(usual, inner) if entry.name == getattr(usual, tag) else _default(own)
            if inner != tag:
                _join(known, Setting(f"{name}.{inner}", own, default, section, part, (entry.name,)))
    yield from known


def _join(known: list[Setting], one: Setting) -> None:
    """Add a setting to those of other variants, or its variant to the one that is alike."""
    for i, other in enumerate(known):
        if (one.key, one.type, one.hints.get("flag")) == (other.key, other.type, other.hints.get("flag")):
            known[i] = replace(other, variants=other.variants + one.variants)
            return
    known.append(one)


def _heading(field: FieldInfo) -> str:
    return _hints(field).get("section", str(field.title))


def _default(field: FieldInfo) -> Any:
    return None if field.is_required() else field.get_default(call_default_factory=True)


def _hints(field: FieldInfo) -> Hints:
    extra = field.json_schema_extra
    return Hints(**extra) if isinstance(extra, dict) else Hints()  # type: ignore[typeddict-item]


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _bare(next(one for one in get_args(annotation) if one is not type(None)))
    return annotation
