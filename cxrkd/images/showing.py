"""The whole film for the eye: the square that networks see, in the pixels and the tones of the file."""

from __future__ import annotations

import numpy as np

from cxrkd.images.film import Film
from cxrkd.images.radiograph import centre_square
from cxrkd.images.resizing import resized

LARGEST = 1024
"""Side in pixels: several times what a panel has on the screen, for zooming; more would make pages slow."""


def square_of(film: Film) -> np.ndarray:
    """The square of a film that networks see, float32 (S, S) in [0, 1], S at most LARGEST.

    At least as many pixels as networks are given, and all tones of the file: a window shows what 8 bits round away.

    Raises:
        ImageError: the file cannot be read any more.
        DataError: the same of a row of a data set.
    """
    square = centre_square(film.read())
    side = min(len(square), LARGEST)
    return film.pixels if side <= len(film.tones) else resized(square, side)


def windowed(pixels: np.ndarray, low: float, high: float, *, invert: bool = False) -> np.ndarray:
    """Tones from `low` to `high` spread over black to white, uint8 of the same shape.

    In the terms of DICOM (PS3.3 C.11.2.1.2) the window's width is high - low and its centre (high + low) / 2.

    Args:
        pixels: float in [0, 1].
        low: the tone that becomes black, and all below it.
        high: the tone that becomes white, and all above it; a window of no width is a step at `low`.
        invert: show dense tissue dark.

    >>> windowed(np.array([0.0, 0.2, 0.35, 0.8, 1.0]), 0.2, 0.8).tolist()
    [0, 0, 64, 255, 255]
    >>> windowed(np.array([0.0, 0.2, 1.0]), 0, 1, invert=True).tolist()
    [255, 204, 0]
    """
    grey = np.clip((pixels - low) / max(high - low, 1e-6), 0, 1)
    return np.rint(255 * (1 - grey if invert else grey)).astype(np.uint8)
