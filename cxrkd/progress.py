"""What work says of itself while it goes on, to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is in all: images, bytes. 0 in all where that is not known."""

Event = dict[str, Any]
"""Something that happened: what (`kind`), and what is known of it; plain values."""
OnEvent = Callable[[Event], None]


def counting(on_event: OnEvent) -> Progress:
    """Progress as `(done, total)` turned into events."""

    def progress(done: int, total: int) -> None:
        on_event({"kind": "progress", "fraction": done / max(total, 1)})

    return progress
