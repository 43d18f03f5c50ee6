"""A compressed DICOM frame carries its own size; it must be the one that the header announced and that was checked."""

from __future__ import annotations

import io
import struct

from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from cxrkd.errors import ImageError

# Start-of-frame markers of every JPEG process, lossless ones too, which Pillow does not parse (ITU-T T.81, table B.1).
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def check_frame(ds: Dataset, name: str) -> None:
    """Raise ImageError when the compressed frame has another size than the header: its decoding would be unbounded."""
    size = frame_size(next(generate_frames(ds.PixelData, number_of_frames=1)))
    if size is not None and size != (int(ds.Columns), int(ds.Rows)):
        raise ImageError(
            f"{name} announces {ds.Columns:,} x {ds.Rows:,} pixels but its compressed image has "
            f"{size[0]:,} x {size[1]:,}: it is damaged. Export it again."
        )


def frame_size(frame: bytes) -> tuple[int, int] | None:
    """Width and height that a JPEG or JPEG 2000 frame announces; None for run-length coding, which has no size."""
    if frame[:2] == b"\xff\xd8":
        return _jpeg_size(frame)
    if frame[:4] == b"\xff\x4f\xff\x51" or frame[4:8] == b"jP  ":
        return Jpeg2KImageFile(io.BytesIO(frame)).size
    return None


def _jpeg_size(frame: bytes) -> tuple[int, int]:
    at = 2
    while frame[at + 1] not in START_OF_FRAME:
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    height, width = struct.unpack(">HH", frame[at + 5 : at + 9])
    return width, height
