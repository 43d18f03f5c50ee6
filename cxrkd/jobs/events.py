"""The story of a run, one JSON object a line, only ever appended to."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

from cxrkd import private
from cxrkd.jobs.files import MissingFileError, cannot_write, read_bytes
from cxrkd.jobs.strict_json import parse_json
from cxrkd.progress import Event

_WHOLE, _NUMBER = ("epoch", "epochs", "seed", "size"), ("t", "fraction", "progress", "eta_s", "loss", "val_auroc")
_TEXT = ("stage", "title", "member", "message")


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
    """All events that are whole, oldest first; none when the file is missing.

    Raises:
        RunError: it is something else than a file, or cannot be read.
    """
    try:
        lines = read_bytes(path).splitlines()
    except MissingFileError:
        return []
    return [event for line in lines if (event := parse_event(line)) is not None]


def epoch_history(events: list[Event]) -> list[Event]:
    """The "epoch" events, one for each stage and epoch: a run killed right after an epoch reports it again."""
    latest = {(event.get("stage"), event.get("epoch")): event for event in events if event.get("kind") == "epoch"}
    return list(latest.values())


def parse_event(line: bytes) -> Event | None:
    """The event of a line; None where the line is torn, or holds what no event of ours does."""
    try:
        event = parse_json(line.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) and _is_ours(event) else None


def _is_ours(event: Event) -> bool:
    wholes = all(_is_number(event[name], int) and event[name] >= 0 for name in _WHOLE if event.get(name) is not None)
    numbers = all(_is_number(event[name], int | float) for name in _NUMBER if event.get(name) is not None)
    texts = all(isinstance(event[name], str) for name in _TEXT if event.get(name) is not None)
    return isinstance(event.get("kind"), str) and wholes and numbers and texts


def _is_number(value: object, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _torn(handle: int) -> bool:
    """Whether the file ends in the middle of a line."""
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"
