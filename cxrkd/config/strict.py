"""What every config is: frozen, and strict about its keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Immutable, and a typo in a key is an error instead of a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
