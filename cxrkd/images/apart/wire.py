"""What server and reading process say to each other: a line of JSON, then the bytes that it announces. No pickles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

from cxrkd.images.reduced import Reduced


def send(stream: BinaryIO, head: dict[str, Any], *bodies: bytes) -> None:
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


def send_film(stream: BinaryIO, film: Reduced) -> None:
    """Write a film."""
    head = {"notes": film.notes, "sha256": film.sha256, "colour": film.colour}
    head |= {"shapes": [film.tones.shape, film.small.shape]}
    send(stream, head, film.tones.tobytes(), film.small.tobytes())


def film_of(head: dict[str, Any], bodies: Sequence[bytes], name: str) -> Reduced:
    """The film of a message."""
    tones, small = (
        np.frombuffer(body, kind).reshape(shape)
        for body, kind, shape in zip(bodies, (np.uint8, np.float32), head["shapes"], strict=True)
    )
    return Reduced(name, tuple(head["notes"]), head["sha256"], head["colour"], tones, small)
