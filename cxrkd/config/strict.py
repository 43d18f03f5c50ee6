"""What every config is: frozen, and strict about its keys."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, field_validator

from cxrkd.registry import RECORDED
from cxrkd.text import shown

TOO_LARGE = 10**17
"""A whole number that no file of ours may hold (`cxrkd.jobs.strict_json`): what was asked could not be read again."""


class Strict(BaseModel):
    """Immutable, and a typo in a key is an error instead of a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _can_be_kept(cls, value: Any) -> Any:
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, int) and abs(one) >= TOO_LARGE:
                raise ValueError(f"expected a number of fewer than 18 digits, got {shown(one)}")
        return value

    @classmethod
    def recorded(cls, values: Any) -> Self:
        """A config that is on disk: what it did stays readable where it would be refused today.

        Raises:
            ValidationError: a key or a value is not known at all, or a value is of another type.
        """
        return cls.model_validate_json(json.dumps(values), strict=True, context={RECORDED: True})
