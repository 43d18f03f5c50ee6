"""Pixels that are not square, made square: a film that is squashed is not the film."""

from __future__ import annotations

import cv2
import numpy as np
from pydicom.dataset import Dataset

from cxrkd.images.elements import numbers, word
from cxrkd.images.limits import check_size

# In the order in which they are believed: sizes in millimetres before a mere ratio (PS3.3, C.7.6.3.1.7).
ELEMENTS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
# Below a hundredth it is rounding; beyond four it is a slip of the pen.
NEARLY_SQUARE, LARGEST = 1.01, 4.0


def squared(pixels: np.ndarray, ds: Dataset, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The image (H, W) with rows or columns added until its pixels are square, and notes.

    Raises:
        ImageError: it would become too large.
    """
    useless = [key for key in ELEMENTS if word(ds, key) and height_to_width(ds, key) is None]
    doubt = tuple(f"{key} is of no use: not looked at" for key in useless)
    ratios = {key: ratio for key in ELEMENTS if (ratio := height_to_width(ds, key)) is not None}
    if all(_alike(ratio, 1) for ratio in ratios.values()):
        return pixels, doubt
    key, ratio = next(iter(ratios.items()))
    apart = not all(_alike(ratio, other) for other in ratios.values())
    doubt += (f"{' and '.join(ratios)} disagree about the shape of a pixel: {key} taken",) * apart
    if not 1 / LARGEST <= ratio <= LARGEST:
        return pixels, (*doubt, f"{key} is not believed: pixels taken as square")
    if _alike(ratio, 1):
        return pixels, doubt
    height, width = pixels.shape
    size = (width, round(height * ratio)) if ratio > 1 else (round(width / ratio), height)
    check_size(*size, name)
    wide = np.clip(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), 0, 1)
    return wide, (f"made {size[0]} x {size[1]} from {width} x {height} pixels, which are not square ({key})", *doubt)


def _alike(one: float, other: float) -> bool:
    return max(one / other, other / one) < NEARLY_SQUARE


def height_to_width(ds: Dataset, key: str) -> float | None:
    r"""Height of a pixel by its width: each of the elements holds `vertical\horizontal`. None where it says nothing."""
    sides = numbers(ds, key)
    if len(sides) != 2:
        return None
    vertical, horizontal = sides
    return vertical / horizontal if vertical and horizontal and vertical > 0 and horizontal > 0 else None
