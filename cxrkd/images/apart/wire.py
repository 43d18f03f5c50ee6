"""What server and reading process say to each other: a line of JSON, then the bytes that it announces. No pickles."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import numpy as np

from cxrkd.images.film import Film, notes_of
from cxrkd.images.gate import load_gate
from cxrkd.images.looks import shrink
from cxrkd.images.radiograph import Radiograph, to_tones


def send(stream: BinaryIO, head: dict[str, Any], *bodies: bytes | memoryview) -> None:
    """Write one message.

    Raises:
        OSError: nobody is there to read it.
    """
    stream.write(json.dumps(head | {"sizes": [len(body) for body in bodies]}).encode() + b"\n")
    for body in bodies:
        stream.write(body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], Sequence[bytes]]:
    """Read one message.

    Raises:
        EOFError: there is none, or not all of it.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head = json.loads(line)
    bodies = [stream.read(size) for size in head["sizes"]]
    if [len(body) for body in bodies] != head["sizes"]:
        raise EOFError
    return head, bodies


def message(r: Radiograph, size: int | None) -> tuple[Any, ...]:
    """What is sent of a film: what networks of input size S and the gate see, or without a size the whole picture."""
    if size is None:
        return {"shape": r.pixels.shape}, r.pixels.data.cast("B")
    tones, small = to_tones(r, size), np.ascontiguousarray(shrink(r.pixels), np.float32)
    head = {"notes": notes_of(r), "sha256": r.sha256, "colour": r.colour, "shapes": [tones.shape, small.shape]}
    return head, tones.tobytes(), small.tobytes()


def film_of(head: dict[str, Any], bodies: Sequence[bytes], name: str, read: Callable[[], np.ndarray]) -> Film:
    """The film of a message, judged by the gate here; `read` reads the whole picture again.

    Raises:
        GateError: the coefficients of the gate are missing or damaged.
    """
    tones, small = (
        np.frombuffer(body, kind).reshape(shape)
        for body, kind, shape in zip(bodies, (np.uint8, np.float32), head["shapes"], strict=True)
    )
    gate = load_gate().judge_small(small, head["colour"])
    return Film(name, tones, read, head["sha256"], tuple(head["notes"]), gate=gate)


def picture_of(head: dict[str, Any], bodies: Sequence[bytes]) -> np.ndarray:
    """The whole picture of a message, float32 (H, W)."""
    (body,) = bodies
    return np.frombuffer(body, np.float32).reshape(head["shape"])
