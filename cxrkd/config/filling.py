"""Settings of which only some are given: what a run's own defaults fill in."""

from __future__ import annotations

from typing import Any

from cxrkd.config.run import RunConfig
from cxrkd.config.settings import VARIANTS


def with_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Keep the run's own defaults of a part of the config of which only some keys are given."""
    whole = dict(values)
    for part, given in values.items():
        field = RunConfig.model_fields.get(part)
        default: Any = None if field is None else field.get_default(call_default_factory=True)
        if isinstance(given, dict) and _same_variant(part, default, given):
            whole[part] = default.model_dump() | given
    return whole


def _same_variant(part: str, default: Any, given: dict[str, Any]) -> bool:
    """Whether a default can fill in the keys that are not given; another variant of a part has other keys."""
    if not hasattr(default, "model_dump"):
        return False
    if part not in VARIANTS:
        return True
    own = getattr(default, VARIANTS[part].tag)
    return bool(given.get(VARIANTS[part].tag, own) == own)
