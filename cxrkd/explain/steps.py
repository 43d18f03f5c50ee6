"""Long work as a list of calls, so that whoever asks for it can let others go first in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Steps = Callable[[Sequence[Callable[[], Any]]], list[Any]]
"""Takes calls that do not depend on each other, gives their results in the same order."""


def in_turn(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """One call after the other."""
    return [call() for call in calls]
