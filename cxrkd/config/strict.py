"""What every config is: frozen, and strict about its keys."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from cxrkd.registry import RECORDED


class Strict(BaseModel):
    """Immutable, and a typo in a key is an error instead of a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def recorded(cls, values: Any) -> Self:
        """A config that is on disk: what it did stays readable where it would be refused today.

        Raises:
            ValidationError: a key or a value is not known at all, or a value is of another type.
        """
        return cls.model_validate_json(json.dumps(values), strict=True, context={RECORDED: True})
