"""A film as the network takes it, with numpy alone: a grey PNG is read, cut to its central square and resized.

Other formats (DICOM, JPEG, 16 bits) are for a library of yours: `prepared` takes any grey picture in [0, 1] whose dense
tissue is bright. Nothing here can tell whether it is a chest film at all.
"""

import zlib
from pathlib import Path

import numpy as np

GREY_8_BIT = b"\x08\x00\x00\x00\x00"  # depth, colour type, compression, filter, interlace


def read_png(path: str) -> np.ndarray:
    """Grey values (H, W) in [0, 1] of a PNG with 8 bits of grey, not interlaced; see ISO/IEC 15948."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise SystemExit(f"{path} cannot be read ({error.strerror}).") from error
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[24:29] != GREY_8_BIT:
        raise SystemExit(f"{path}: expected a PNG with 8 bits of grey, not interlaced; save it as one.")
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    at, packed = 8, b""
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += length + 12
    try:
        lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1).tolist()
    except (ValueError, zlib.error):
        raise SystemExit(f"{path} is damaged or incomplete; save it again.") from None
    rows = [[0] * width]
    for kind, *line in lines:
        rows.append(_unfiltered(kind, line, rows[-1]))
    return np.array(rows[1:]) / 255


def _unfiltered(kind: int, line: list[int], above: list[int]) -> list[int]:
    """A row of pixels from what was stored of it: differences from what lies left of, above and both of each pixel."""
    row: list[int] = []
    left = corner = 0
    for stored, up in zip(line, above, strict=True):
        guess = (0, left, up, (left + up) // 2)[kind] if kind < 4 else _paeth(left, up, corner)
        left, corner = (stored + guess) % 256, up
        row.append(left)
    return row


def _paeth(left: int, up: int, corner: int) -> int:
    """That neighbour which is nearest to left + up - corner; the first of those that are equally near."""
    return min(left, up, corner, key=lambda value: abs(left + up - corner - value))


def prepared(grey: np.ndarray, size: int) -> np.ndarray:
    """A grey picture (H, W) in [0, 1] as the network's input, float32 (1, 1, size, size): 8-bit tones in [0, 1]."""
    side = min(grey.shape)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    weights = resizing(side, size)
    square = weights @ grey[top : top + side, left : left + side] @ weights.T
    return (np.rint(np.clip(square, 0, 1) * 255) / 255).astype(np.float32)[None, None]


def resizing(old: int, new: int) -> np.ndarray:
    """How much of each old pixel goes into each new one, (new, old): areas where it shrinks, else two neighbours."""
    if new < old:
        edges = np.arange(new + 1)[:, None] * old / new
        overlap = np.minimum(edges[1:], np.arange(old) + 1) - np.maximum(edges[:-1], np.arange(old))
        return np.clip(overlap, 0, None) * new / old
    centres = np.clip((np.arange(new)[:, None] + 0.5) * old / new - 0.5, 0, old - 1)
    return np.clip(1 - np.abs(centres - np.arange(old)), 0, None)
