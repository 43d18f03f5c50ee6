"""A compressed DICOM frame says itself how large it is and how many bits it has; it must not be larger than checked."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cxrkd.errors import ImageError

# Start-of-frame markers of every JPEG process (ITU-T T.81, table B.1) and of JPEG-LS (T.87, C.1.1).
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
LOSSY = (0xC0, 0xC1, 0xC2)
LOW_COMPLEXITY = 0xF7
JPEG, LOSSLESS_JPEG, JPEG_LS, JPEG_2000 = "JPEG", "lossless JPEG", "JPEG-LS", "JPEG 2000"
# Markers without a length behind them (T.81, B.1.1.3).
ALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
SOI, CODESTREAM = b"\xff\xd8", b"\xff\x4f\xff\x51"


@dataclass(frozen=True)
class Frame:
    """What a JPEG, JPEG-LS or JPEG 2000 frame announces.

    Attributes:
        kind: JPEG (the lossy kinds), LOSSLESS_JPEG, JPEG_LS or JPEG_2000.
        width, height, components: of the image.
        bits: precision of a sample.
        signed: samples have a sign, which only JPEG 2000 can say.
    """

    kind: str
    width: int
    height: int
    components: int
    bits: int
    signed: bool = False


def announced(data: bytes) -> Frame | None:
    """What a frame announces; None for run-length coding, which announces nothing.

    Raises:
        IndexError, struct.error: it is cut.
    """
    if data[:2] == SOI:
        return _jpeg(data)
    if is_jpeg_2000(data):
        return _jpeg_2000(data, data.index(CODESTREAM))
    return None


def is_jpeg_2000(data: bytes) -> bool:
    """A bare code stream, or one in the boxes of a file."""
    return data[:4] == CODESTREAM or data[4:8] == b"jP  "


def check_size_of_frame(frame: Frame, columns: int, rows: int, name: str) -> None:
    """Raise ImageError when the frame has another size than the header: its decoding would be unbounded."""
    if (frame.width, frame.height) != (columns, rows):
        raise ImageError(
            f"{name} announces {columns:,} x {rows:,} pixels but its compressed image has "
            f"{frame.width:,} x {frame.height:,}: it is damaged. Export it again."
        )


def _jpeg(data: bytes) -> Frame:
    at = 2
    while data[at + 1] not in START_OF_FRAME:
        if data[at + 1] == 0xFF:
            at += 1  # fill bytes may stand before any marker (T.81, B.1.1.2)
        else:
            at += 2 if data[at + 1] in ALONE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    bits, height, width, components = struct.unpack_from(">BHHB", data, at + 4)
    kind = {LOW_COMPLEXITY: JPEG_LS} | dict.fromkeys(LOSSY, JPEG)
    return Frame(kind.get(data[at + 1], LOSSLESS_JPEG), width, height, components, bits)


def _jpeg_2000(data: bytes, at: int) -> Frame:
    """The SIZ segment, which follows the start of the code stream (ITU-T T.800, A.5.1)."""
    right, bottom, left, top = struct.unpack_from(">4I", data, at + 8)
    components, precision = struct.unpack_from(">HB", data, at + 40)
    return Frame(JPEG_2000, right - left, bottom - top, components, (precision & 0x7F) + 1, bool(precision >> 7))
