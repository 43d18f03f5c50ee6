"""In which settings configs differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cxrkd.config.run import RunConfig


def differing(configs: Sequence[RunConfig]) -> dict[str, tuple[Any, ...]]:
    """The settings in which runs differ, by dotted key: the value of each run, plain; the runs' names are left out.

    None where a run has no such setting, as where it is empty.

    >>> differing([RunConfig(name="a"), RunConfig(name="b", seeds=(1,)), RunConfig(name="c", seeds=(1,))])
    {'seeds': ([0], [1], [1])}
    """
    flat = [flattened(config.model_dump(mode="json")) for config in configs]
    keys = dict.fromkeys(key for one in flat for key in one if key != "name")
    values = {key: tuple(one.get(key) for one in flat) for key in keys}
    return {key: each for key, each in values.items() if any(value != each[0] for value in each)}


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """An object of objects as one, with dotted keys.

    >>> flattened({"data": {"seed": 1}, "name": "x"})
    {'data.seed': 1, 'name': 'x'}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= flattened(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat
