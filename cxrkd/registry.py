"""Registries of one shape: whatever there are several of (networks, objectives, explainers, engines, readers, jobs).

Each one is a file in a folder. The file registers an `Entry`, and forms, command line, pages, help and README find it
by looking through the registry, which imports the folder the first time that somebody looks. Files of such folders
leave heavy imports (torch, timm, onnxruntime) to the functions that need them: a list of names must be quick.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from threading import RLock
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, PlainValidator, ValidationError, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

from cxrkd.errors import ConfigError
from cxrkd.text import shown

RECORDED = "recorded"
"""Key of a validation's context: a run wrote the values, so types are held exactly, and what it did stays readable."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What people read about one thing of a registry; each registry adds what its things do.

    Attributes:
        name: in configs, flags and file names.
        title: in select boxes and tables.
        sentence: what it is, in one sentence.
        source: the paper, package or data set that it comes from.
        needs: what it cannot do without, in the words of its registry.
        config: its own settings; None where there are none to make.
    """

    name: str
    title: str
    sentence: str
    source: str = ""
    needs: tuple[str, ...] = ()
    config: type[BaseModel] | None = None


E = TypeVar("E", bound=Entry)


_TYPES = frozenset(get_args(ErrorType))


def _of(name: str, one: Any) -> InitErrorDetails:
    """An error in the settings of an entry; of a key that is not known it says whose settings lack it."""
    context, kind = one.get("ctx", {}), one["type"]
    if kind == "extra_forbidden":
        innermost = {"entry": context.get("entry", name)}
        kind = PydanticCustomError(kind, "there is no such setting of {entry}", innermost)
    elif kind not in _TYPES:
        kind = PydanticCustomError(kind, one["msg"], context)
    return {"type": kind, "loc": one["loc"], "input": one["input"], "ctx": context}


class Registry(Mapping[str, E], Generic[E]):
    """Entries by name.

    Args:
        what: one of them, for sentences: "objective".
        folder: the package whose modules register themselves, imported on the first look.
        first: names that lists begin with; the others follow in the order of registration.
    """

    def __init__(self, what: str, folder: str, first: tuple[str, ...] = ()) -> None:
        self.what = what
        self._folder, self._first = folder, first
        self._entries: dict[str, E] = {}
        self._loaded, self._loading, self._lock = False, False, RLock()

    def register(self, entry: E) -> E:
        """Make an entry known under its name.

        Raises:
            ConfigError: the name is taken.
        """
        if entry.name in self._entries:
            raise ConfigError(f"There is a {self.what} {shown(entry.name)} already: choose another name.")
        self._entries[entry.name] = entry
        return entry

    @contextmanager
    def adding(self, *entries: E) -> Iterator[None]:
        """Know some more entries within the block."""
        self._load()
        kept = dict(self._entries)
        try:
            for entry in entries:
                self.register(entry)
            yield
        finally:
            self._entries = kept

    def __getitem__(self, name: str) -> E:
        """The entry of that name.

        Raises:
            ConfigError: there is none; names those there are.
        """
        self._load()
        if name not in self._entries:
            raise ConfigError(self.unknown(name))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._load()
        first = [name for name in self._first if name in self._entries]
        return iter([*first, *(name for name in self._entries if name not in first)])

    def __len__(self) -> int:
        self._load()
        return len(self._entries)

    def unknown(self, name: object) -> str:
        """The sentence for a name that is not there."""
        near = get_close_matches(str(name), list(self), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"Unknown {self.what} {shown(name)}: expected one of {', '.join(self)}.{hint}"

    def config_field(
        self, key: str, default: str, part: str = "config", allowed: Callable[[E], bool] = lambda entry: True
    ) -> PlainValidator:
        """Validates a field that holds the config of an entry, found by its value of `key`.

        `part` names the attribute that is the class of the field, where an entry has others than `config`; entries that
        are not `allowed` are refused as unknown ones are.

        `Annotated[SerializeAsAny[Base], OBJECTIVES.config_field("name", "paper")]` is a discriminated union that grows
        with the registry. An error inside keeps its own place: `objective.temperature`.
        """

        def read(value: Any, info: ValidationInfo) -> BaseModel:
            known = {name: entry for name, entry in self.items() if allowed(entry)}
            if isinstance(value, BaseModel) and any(type(value) is entry.config for entry in known.values()):
                return value
            if not isinstance(value, dict):
                raise PydanticCustomError("settings_type", "expected an object with settings")
            name = value.get(key, default)
            config = getattr(known[name], part) if isinstance(name, str) and name in known else None
            if config is None:
                why = PydanticCustomError("unknown_entry", "expected {expected}", {"expected": ", ".join(known)})
                at_key: InitErrorDetails = {"type": why, "loc": (key,), "input": name}
                raise ValidationError.from_exception_data(self.what, [at_key])
            try:
                if info.mode == "json":
                    strict = bool((info.context or {}).get(RECORDED))
                    return config.model_validate_json(json.dumps(value), strict=strict, context=info.context)
                return config.model_validate(value, context=info.context)
            except ValidationError as error:
                details = [_of(name, one) for one in error.errors()]
                raise ValidationError.from_exception_data(self.what, details) from None

        return PlainValidator(read, json_schema_input_type=dict[str, Any])

    def _load(self) -> None:
        if self._loaded:
            return
        with self._lock:  # another thread waits for the whole list
            if self._loaded or self._loading:  # the modules look at the registry that they register with
                return
            self._loading = True
            try:
                package = import_module(self._folder)
                for module in iter_modules(package.__path__):
                    import_module(f"{self._folder}.{module.name}")
                self._loaded = True
            finally:
                self._loading = False
