"""Long work as a list of calls: whoever asks for it can let others go first in between, or keep what is done."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One call, which does not depend on the others.

    Attributes:
        key: steps of equal keys, about the same films, have the same result: it need not be computed twice.
        call: computes it.
    """

    key: Hashable
    call: Callable[[], Any]


Steps = Callable[[Sequence[Step]], list[Any]]
"""Takes steps, gives their results in the same order."""


def in_turn(steps: Sequence[Step], progress: Callable[[int, int], None] | None = None) -> list[Any]:
    """One step after the other, each key once; `progress` hears (steps done, steps in all) after each."""
    results: dict[Hashable, Any] = {}
    for done, step in enumerate(steps, 1):
        if step.key not in results:
            results[step.key] = step.call()
        if progress:
            progress(done, len(steps))
    return [results[step.key] for step in steps]
