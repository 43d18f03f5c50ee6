"""The chunks of a PNG, counted before a decoder walks through them (PNG specification, 3rd edition, 5.3)."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator

from cxrkd.images.kinds import PNG
from cxrkd.images.limits import MAX_BYTES, too_many

# Writers cut 100 MB of pixels into chunks of 8 kB, which are 12,000; all else that they write are some dozen.
MAX_CHUNKS, MAX_OTHERS = 100_000, 2_000
# Deflate makes at most 1,032 bytes of one (RFC 1951: 258 for two bits, less what the tables take).
INFLATION = 1032
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def check_chunks(data: bytes, name: str) -> None:
    """Count the chunks of a PNG.

    Raises:
        ImageError: there are too many.
        ValueError: there is a second header, or pixels that end with the file before their chunk does; a decoder makes
            room for what is announced.
    """
    counts: Counter[bytes] = Counter()
    for number, (kind, at, length) in enumerate(_chunks(data), 1):
        counts[kind] += 1
        if at + length > len(data) and (kind == b"IDAT" or length > MAX_BYTES):
            raise ValueError("a chunk is longer than the file")
        others = number - counts[b"IDAT"]
        if number > MAX_CHUNKS or others > MAX_OTHERS:
            raise too_many(name, "PNG", number, "chunks", MAX_OTHERS if others > MAX_OTHERS else MAX_CHUNKS)
    if counts[b"IHDR"] > 1:
        raise ValueError("two headers: a decoder may take either")


def check_inflation(data: bytes) -> None:
    """Raise ValueError where the pixel data cannot inflate to what the header announces: no room is made for it."""
    width, height, depth, colour = struct.unpack_from(">IIBB", data, len(PNG) + 8)
    announced = height * (width * depth * CHANNELS.get(colour, 1) // 8)
    if INFLATION * sum(length for kind, _, length in _chunks(data) if kind == b"IDAT") < announced:
        raise ValueError("fewer pixels than announced")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte and length of every chunk up to the end, or to the cut of a file that is not whole."""
    at, kind = len(PNG), b""
    while at + 8 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, length
        at += 12 + length
