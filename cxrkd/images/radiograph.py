"""One grey image and what was done to get it; and how it becomes a network's input."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from cxrkd.images.resizing import resized

# A crop that takes more than this share of the longer side is worth a word: it may cut into a lung.
NOTABLE_CROP = 0.10


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A film as a model sees it. Nothing else of the file is kept: no tags, no patient, no EXIF.

    Attributes:
        pixels: float32 (H, W) in [0, 1], read-only; dense tissue is bright.
        name: the file name that the user gave.
        notes: what was done to the stored values, in the order it was done.
        sha256: of shape and pixels; equal images have equal hashes, whatever file they came in.
        colour: share of the pixels that had a colour of their own, 0 to 1; a tint of the whole picture is none.
    """

    pixels: np.ndarray
    name: str
    notes: tuple[str, ...]
    sha256: str
    colour: float = 0.0


def radiograph(pixels: np.ndarray, name: str, notes: tuple[str, ...], colour: float = 0.0) -> Radiograph:
    """Freeze float32 pixels (H, W) in [0, 1] and hash them."""
    pixels = np.ascontiguousarray(pixels, dtype=np.float32)
    pixels.flags.writeable = False
    return Radiograph(pixels, name, notes, digest_of(pixels), colour)


def digest_of(pixels: np.ndarray) -> str:
    """SHA-256 of shape and values of float32 pixels (H, W): equal pictures have equal hashes."""
    digest = hashlib.sha256(str(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels, dtype=np.float32).data)
    return digest.hexdigest()


def digest_of_tones(tones: np.ndarray) -> str:
    """SHA-256 of the grey values that networks are shown, uint8 (S, S), row by row."""
    return hashlib.sha256(np.ascontiguousarray(tones, np.uint8).tobytes()).hexdigest()


def to_tones(r: Radiograph, size: int) -> np.ndarray:
    """Uint8 (size, size), read-only: centre crop to a square, resize, round to 8 bits.

    Training images are made by this very function and kept in 8 bits; an upload that kept its finer steps would be
    answered a little differently from the same film in a data set.
    """
    square = resized(centre_square(r.pixels), size)
    tones = np.rint(np.clip(square, 0, 1) * 255).astype(np.uint8)
    tones.flags.writeable = False
    return tones


def unit(tones: np.ndarray) -> np.ndarray:
    """Tones uint8 (S, S) as float32 in [0, 1], what networks are given."""
    return tones.astype(np.float32) / np.float32(255)


def to_input(r: Radiograph, size: int) -> np.ndarray:
    """Float32 (size, size) in [0, 1]: the tones of a film as networks are given them."""
    return unit(to_tones(r, size))


def crop_note(r: Radiograph) -> str | None:
    """A sentence when the centre crop of `to_tones` takes more than a tenth of the longer side, else None."""
    height, width = r.pixels.shape
    lost = 1 - min(height, width) / max(height, width)
    if lost <= NOTABLE_CROP:
        return None
    return (
        f"the image is {width} x {height} pixels and models see its central square: "
        f"{lost:.0%} of its {'width' if width > height else 'height'} is not looked at"
    )


def centre_square(pixels: np.ndarray) -> np.ndarray:
    """The central square of (H, W), which is all that networks see."""
    height, width = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]
