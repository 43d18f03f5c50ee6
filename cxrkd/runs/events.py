"""The story of a run, one JSON object a line, only ever appended to."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

from cxrkd import private
from cxrkd.runs.files import cannot_write

Event = dict[str, Any]


def append_event(path: Path, event: Event) -> None:
    """Append one event with the time `t` (epoch seconds), by a single write; non-finite numbers become null.

    A line that a kill tore is closed first, so that it costs itself and not the next one.

    Raises:
        RunError: the file cannot be written.
    """
    clean = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in event.items()}
    line = json.dumps({"t": round(time.time(), 3), **clean}) + "\n"
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, private.FILE)
        try:
            os.write(handle, (("\n" if _torn(handle) else "") + line).encode())
        finally:
            os.close(handle)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def read_events(path: Path) -> list[Event]:
    """All events that are whole, oldest first; none when the file is missing."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [event for line in lines if (event := _parse(line)) is not None]


def epoch_history(events: list[Event]) -> list[Event]:
    """The "epoch" events, one for each stage and epoch: a run killed right after an epoch reports it again."""
    latest = {(event.get("stage"), event.get("epoch")): event for event in events if event.get("kind") == "epoch"}
    return list(latest.values())


def _parse(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _torn(handle: int) -> bool:
    """Whether the file ends in the middle of a line."""
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"
