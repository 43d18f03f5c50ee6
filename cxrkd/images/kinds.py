"""What a file is, judged by its first bytes and never by its name."""

from __future__ import annotations

import re

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"

# Files that people do upload, and what to do about each.
STRANGERS: tuple[tuple[bytes, str, str], ...] = (
    (rb"GIF8", "a GIF picture, which holds too few tones", "Export the radiograph as PNG"),
    (
        rb"PK(\x03\x04|\x05\x06)",
        "a ZIP archive or office document, not a picture",
        "Unpack it and choose the image inside",
    ),
    (rb"\x1f\x8b", "a gzip archive, not a picture", "Unpack it and choose the image inside"),
    (rb"7z\xbc\xaf", "a 7-Zip archive, not a picture", "Unpack it and choose the image inside"),
    (rb"Rar!", "a RAR archive, not a picture", "Unpack it and choose the image inside"),
    (rb"%PDF", "a PDF document, not a picture", "Export the radiograph in it as PNG"),
    (rb"II\*\x00|MM\x00\*", "a TIFF picture", "Export it as PNG (16 bit keeps every tone)"),
    (rb"BM.{4}\x00{4}", "a BMP picture", "Export it as PNG"),
    (rb"RIFF.{4}WEBP", "a WebP picture", "Export it as PNG"),
    (rb".{4}ftyp", "an HEIC picture or a video", "Export it as PNG or JPEG"),
    (rb".{4}jP  |\xff\x4f\xff\x51", "a bare JPEG 2000 picture", "Export it as DICOM or PNG"),
    (rb"\x93NUMPY", "a NumPy array", "Save it as a 16-bit PNG"),
)
TEXT = ("a text file, not a picture", "Choose the image that belongs to it")
UNKNOWN = ("of a kind that is not known here", "Export the radiograph as PNG, JPEG or DICOM")


def describe(data: bytes) -> tuple[str, str]:
    """What a file is that is not read here, and what to do: `("a PDF document, ...", "Export ...")`."""
    for pattern, what, todo in STRANGERS:
        if re.match(pattern, data[:32], re.DOTALL):
            return what, todo
    return TEXT if _is_text(data[:4096]) else UNKNOWN


def _is_text(head: bytes) -> bool:
    """UTF-8 without control characters; the cut at the end may fall into a character."""
    text = head.decode("utf-8", errors="replace").removesuffix("\ufffd")
    return all((c.isprintable() or c in "\t\r\n\f\ufeff") and c != "\ufffd" for c in text)
