"""The segments and scans of a JPEG, counted before a decoder walks through them (ITU-T T.81, B.1).

A progressive JPEG may have any number of scans, each of a few bytes and each a pass over the whole picture. JPEG-LS has
the same frame of segments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cxrkd.images.frames import ALONE, START_OF_FRAME
from cxrkd.images.limits import too_many

# Cameras write some dozen segments, with much metadata a few hundred.
MAX_SEGMENTS = 5_000
# Encoders write six scans of a grey picture and ten of a coloured one; those that seek the best split, some twenty.
MAX_SCANS = 100
# All scans together; thirty of the largest picture that is read. A pass over a megapixel takes at least a millisecond.
MAX_SCANNED = 1_500_000_000
# Bytes between segments, which Pillow reads one by one.
MAX_FILL = 100_000
START_OF_SCAN, END = 0xDA, 0xD9
# No marker of a segment is below C0, and in the data of JPEG-LS 00 to 7F may follow FF (T.87, C.2.1).
MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")


def check_segments(data: bytes, name: str) -> None:
    """Count segments, scans and what lies between them.

    Raises:
        ImageError: there are too many.
        IndexError: a segment is cut.
    """
    segments = scans = pixels = fill = 0
    for code, at, skipped in _segments(data):
        segments, scans, fill = segments + 1, scans + (code == START_OF_SCAN), fill + skipped
        if code in START_OF_FRAME:
            height, width = (int.from_bytes(data[at + k : at + k + 2], "big") for k in (5, 7))
            pixels = max(pixels, height * width)
        if segments > MAX_SEGMENTS:
            raise too_many(name, "JPEG", segments, "segments", MAX_SEGMENTS)
        if fill > MAX_FILL:
            raise too_many(name, "JPEG", fill, "bytes between its segments", MAX_FILL)
        most = min(MAX_SCANS, MAX_SCANNED // max(pixels, 1))
        if scans > most:
            raise too_many(name, f"JPEG of {pixels / 1e6:,.1f} megapixels", scans, "scans", most)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, position of its FF and number of bytes passed over before it, of every segment up to the end."""
    at, in_scan = 2, False
    while (marker := MARKER.search(data, at)) is not None:
        start, code = marker.start(), data[marker.start() + 1]
        if code == END:
            return
        # What stands before a marker is the data of a scan, or fill and rubbish.
        yield code, start, 0 if in_scan else start - at
        in_scan = code == START_OF_SCAN
        at = start + 2 if code in ALONE else start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    if not in_scan:
        fill = len(data) - at
        yield 0, len(data), max(fill, 0)
