"""How large and how small a file may be, checked before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from cxrkd.errors import ImageError

# The largest detectors in use deliver about 20 megapixels; decoding 50 takes about a gigabyte.
MAX_PIXELS = 50_000_000
MAX_BYTES = 200_000_000
MIN_SIDE = 32
# Below this range of grey there is nothing to see: two steps of an 8-bit image.
MIN_CONTRAST = 2 / 255


def check_bytes(data: bytes, name: str) -> None:
    """Raise ImageError for an empty file and for one above MAX_BYTES."""
    if not data:
        raise ImageError(f"{name} is empty (0 bytes). Export the radiograph again and choose the new file.")
    if len(data) > MAX_BYTES:  # no more of it may have been read
        raise ImageError(
            f"{name} has more than {MAX_BYTES / 1e6:.0f} MB, which are the most that is read. "
            "Choose a single radiograph, or export it compressed."
        )


def check_size(width: int, height: int, name: str) -> None:
    """Raise ImageError for sides that a header announces and that are too large, too small or absurd."""
    if width < MIN_SIDE or height < MIN_SIDE:
        raise ImageError(
            f"{name} is {width:,} x {height:,} pixels; at least {MIN_SIDE} x {MIN_SIDE} are needed to see a chest. "
            "Choose the full image instead of a thumbnail."
        )
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} is {width:,} x {height:,} pixels, {width * height / 1e6:,.0f} megapixels; at most "
            f"{MAX_PIXELS / 1e6:.0f} are read. Reduce it to about 4,000 pixels a side and try again."
        )


def check_content(pixels: np.ndarray, name: str) -> None:
    """Raise ImageError for an image of one tone and for values that are not numbers."""
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite(low + high):
        raise ImageError(f"{name} holds values that are not numbers after its own rescaling. Export it again as PNG.")
    if high - low < MIN_CONTRAST:
        raise ImageError(f"{name} is blank: all its pixels have the same tone. Choose an image that shows a chest.")


@contextmanager
def guarded(name: str, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one sentence; decoders raise nearly every kind of exception."""
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise too_much_memory(name) from error
    except Exception as error:
        if isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem:
            raise too_much_memory(name) from error
        raise ImageError(
            f"{name} begins like a {kind} file but could not be decoded to its end: it is damaged or incomplete, or "
            "of a rare variant. Export or download it again, as PNG if you can."
        ) from error


def too_much_memory(name: str) -> ImageError:
    """What to say of a file whose decoding did not get the memory that it asked for."""
    return ImageError(
        f"{name} needs more memory to be decoded than is set aside for one file. Reduce it to about 4,000 pixels a "
        "side, or export it again as PNG."
    )


def too_many(name: str, kind: str, count: int, what: str, most: int) -> ImageError:
    """What to say of a file that has far more parts than any radiograph: its decoding could take minutes."""
    return ImageError(
        f"{name} is a {kind} with {count:,} {what} or more; a radiograph has far fewer, and at most {most:,} are "
        "decoded. Export it again as PNG."
    )


def too_slow(name: str, seconds: float) -> ImageError:
    """What to say of a file whose decoding was ended."""
    return ImageError(
        f"{name} takes more than {seconds:g} s to decode, a radiograph takes one or two: it is damaged, or of a rare "
        "variant. Export it again, as PNG if you can."
    )


def crashed(name: str) -> ImageError:
    """What to say of a file on which a decoder came to its end instead of raising an error."""
    return ImageError(
        f"{name} could not be decoded: the decoder crashed, or ran out of memory. The file is damaged, or of a rare "
        "variant. Export it again, as PNG if you can."
    )
