"""What somebody wrote to ask for a job, YAML or JSON: read without trust, as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.errors import ConfigError
from cxrkd.jobs.strict_json import parse_json
from cxrkd.text import shown

if TYPE_CHECKING:
    from yaml.nodes import Node

MOST_BYTES = 1 << 20
MOST_VALUES = 100_000
"""That a file may come to, with what it repeats by anchors written out: a page of those fills any memory."""


def read_written(path: Path, what: str) -> Any:
    """The values of a file.

    Args:
        path: the file.
        what: it should hold, for sentences: "a study".

    Raises:
        ConfigError: it cannot be read; or as `parse_written`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(f"Cannot read {path} ({why}); expected {what} as YAML or JSON.") from error
    return parse_written(content, path.name, what)


def parse_written(content: bytes, name: str, what: str) -> Any:
    """The values of a text: objects with text for keys, lists, texts, finite numbers, true, false and null.

    Args:
        content: YAML or JSON.
        name: of the file, for sentences.
        what: it should hold, for sentences.

    Raises:
        ConfigError: it is too large, is neither, holds other values, or says one key twice.
    """
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{name} is larger than {MOST_BYTES >> 20} MB; expected {what}, which is a page of text.")
    try:
        return parse_json(content.decode("utf-8-sig"))
    except ValueError:  # YAML then, or JSON that YAML says more of
        return _parse_yaml(content, name)


def without_version(values: Mapping[str, Any], newest: int, name: str) -> dict[str, Any]:
    """The values of a file without the version that those which we write have.

    Raises:
        ConfigError: a newer version wrote it.
    """
    version = values.get("version", 0)
    if not isinstance(version, int) or version > newest:
        raise ConfigError(
            f"{name} is of version {shown(version)}, this cxrkd reads up to {newest}; a newer one wrote it."
        )
    return {key: value for key, value in values.items() if key != "version"}


def _parse_yaml(content: bytes, name: str) -> Any:
    import yaml  # only what is asked for by a file needs it

    try:
        loader = yaml.SafeLoader(content)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _values_in(node, {})
            value = loader.construct_document(node)
        finally:
            loader.dispose()
        return json.loads(json.dumps(value, allow_nan=False))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise ConfigError(f"{name} is neither YAML nor JSON of numbers, texts, lists and objects ({why}).") from error


def _values_in(node: Node, known: dict[int, int]) -> int:
    """How many values a node comes to once all that it repeats is written out.

    Args:
        node: of a document.
        known: the same of the nodes that were counted; 0 of those that are being counted.

    Raises:
        ValueError: too many, it holds itself, or one key twice.
    """
    if id(node) in known:
        if not known[id(node)]:
            raise ValueError(f"what begins in line {node.start_mark.line + 1} holds itself")
        return known[id(node)]
    known[id(node)], total, keys = 0, 1, set[str]()
    for one in node.value if isinstance(node.value, list) else ():
        for part in one if isinstance(one, tuple) else (one,):
            total += _values_in(part, known)
        if isinstance(one, tuple) and isinstance(one[0].value, str):
            key = one[0].value
            if key in keys:
                raise ValueError(f"line {one[0].start_mark.line + 1}: {shown(key)} stands there twice")
            keys.add(key)
        if total > MOST_VALUES:
            raise ValueError(f"it repeats itself until it holds more than {MOST_VALUES:,} values")
    known[id(node)] = total
    return total
