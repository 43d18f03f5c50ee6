"""The story of a job, one JSON object a line, only ever appended to."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cxrkd import private
from cxrkd.jobs.files import MissingFileError, cannot_write, read_bytes
from cxrkd.jobs.strict_json import parse_json
from cxrkd.progress import Event

EVENTS = "events.jsonl"
_NUMBERS, _TEXTS = ("t", "fraction", "progress", "eta_s"), ("stage", "title", "message")


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


def event_sentence(event: Event) -> str:
    """What a log says of an event of any job."""
    if event["kind"] == "stage":
        return str(event["title"])
    return f"{event['kind']}: {event.get('message', '')}".rstrip(": ")


def parse_event(line: bytes) -> Event | None:
    """The event of a line; None where the line is torn, or holds what no event of ours does."""
    try:
        event = parse_json(line.decode("utf-8"))
    except ValueError:
        return None
    ours = isinstance(event, dict) and isinstance(event.get("kind"), str) and is_typed(event, (), _NUMBERS, _TEXTS)
    return event if ours else None


def is_typed(event: Event, wholes: Sequence[str], numbers: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether what an event has of these keys are whole numbers from 0, numbers and texts. Null says nothing."""
    has = {key: value for key, value in event.items() if value is not None}
    counted = all(_is_number(has[key], int) and has[key] >= 0 for key in wholes if key in has)
    measured = all(_is_number(has[key], int | float) for key in numbers if key in has)
    return counted and measured and all(isinstance(has[key], str) for key in texts if key in has)


def _is_number(value: object, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _torn(handle: int) -> bool:
    """Whether the file ends in the middle of a line."""
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"
