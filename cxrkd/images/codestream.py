"""The parts of a JPEG 2000 code stream, counted before a decoder makes room for them (ITU-T T.800, annexes A and B).

A few bytes of its header say how many tiles, layers and precincts there are. A decoder reserves memory for each of them
first, however few bytes follow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from cxrkd.images.frames import CODESTREAM
from cxrkd.images.limits import too_many

# 50 megapixels in tiles of 64 x 64 are 12,200.
MAX_TILES = 16_000
# Those tiles with six resolutions and twenty layers are 1.5 million packets.
MAX_PACKETS = 2_000_000
MAX_LEVELS = 32
CODING_STYLE, START_OF_TILE = 0xFF52, 0xFF90
KIND = "JPEG 2000 frame"


def check_codestream(data: bytes, name: str) -> None:
    """Count tiles and packets as the main header announces them.

    Raises:
        ImageError: there are too many.
        ValueError, struct.error: the header is cut or contradicts itself, or there are two code streams.
    """
    if data.count(CODESTREAM) != 1:
        raise ValueError("several code streams: a decoder may take any")
    at = data.index(CODESTREAM)
    right, bottom, left, top, wide, high, left_0, top_0, components = struct.unpack_from(">8IH", data, at + 8)
    if not wide or not high or left_0 > left or top_0 > top:
        raise ValueError("tiles of no size, or beside the picture")
    tiles = _ceil(right - left_0, wide) * _ceil(bottom - top_0, high)
    if tiles > MAX_TILES:
        raise too_many(name, KIND, tiles, "tiles", MAX_TILES)
    for style in _styles(data, at + 2):
        packets = components * _packets(style, right - left, bottom - top, tiles)
        if packets > MAX_PACKETS:
            raise too_many(name, KIND, packets, "packets", MAX_PACKETS)


def _styles(data: bytes, at: int) -> Iterator[bytes]:
    """Bodies of the COD segments of the main header; a later one would hold as well as the first."""
    while at + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == START_OF_TILE:
            return
        if length < 2:
            raise ValueError("a segment shorter than its length")
        if marker == CODING_STYLE:
            yield data[at + 4 : at + 2 + length]
        at += 2 + length


def _packets(style: bytes, width: int, height: int, tiles: int) -> int:
    """Packets of one component: layers x precincts of all resolutions (B.6, B.9), at least one a tile."""
    sized, _, layers, _, levels = struct.unpack_from(">BBHBB", style)
    if levels > MAX_LEVELS:
        raise ValueError("more levels than there can be")
    precincts = 0
    for resolution in range(levels + 1):
        exponents = style[10 + resolution] if sized & 1 else 0xFF
        step = levels - resolution
        across = _ceil(_ceil(width, 1 << step), 1 << (exponents & 15))
        precincts += max(tiles, across * _ceil(_ceil(height, 1 << step), 1 << (exponents >> 4)))
    return layers * precincts


def _ceil(length: int, by: int) -> int:
    return -(-length // by)
