"""Stored values -> values of the modality: lookup table or slope and intercept (PS3.3, C.11.1)."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from cxrkd.errors import ImageError
from cxrkd.images.elements import number, numbers, state
from cxrkd.images.luts import tables
from cxrkd.images.stored import Stored

# float32 holds the picture from here on.
LARGEST = 1e30


def to_modality(stored: Stored, ds: Dataset, name: str) -> tuple[np.ndarray, tuple[float, float], tuple[str, ...]]:
    """Values (H, W), the range that they can have, and notes.

    Raises:
        ImageError: the rescaling overflows.
    """
    lookups = tables(ds, "ModalityLUTSequence", stored.bits.signed)
    table = next((table for table in lookups if table is not None), None)
    if table is not None:
        note = "modality lookup table of the file applied"
        return table.look_up(stored.values), (0.0, float(table.entries.max())), (note, *table.notes)
    slope, intercept, notes = rescaling(ds)
    unusable = ("the file's modality lookup table cannot be used",) * bool(lookups)
    low, high = sorted(slope * end + intercept for end in stored.bits.range)
    if not max(abs(low), abs(high)) < LARGEST:
        raise ImageError(
            f"{name} holds values that are not numbers after its own rescaling: RescaleSlope or RescaleIntercept is "
            "too large. Export it again as PNG."
        )
    return _rescaled(stored.values, slope, intercept), (low, high), (*unusable, *notes)


def rescaling(ds: Dataset) -> tuple[float, float, tuple[str, ...]]:
    """Slope, intercept, and notes where what the file says of them is of no use."""
    slope, intercept, notes = number(ds, "RescaleSlope"), number(ds, "RescaleIntercept"), []
    if "RescaleSlope" not in ds and "RescaleIntercept" not in ds:
        return 1.0, 0.0, ()
    if not slope:
        notes.append(f"RescaleSlope is {'0' if slope == 0 else state(ds, 'RescaleSlope')}: 1 assumed")
    if intercept is None:
        notes.append(f"RescaleIntercept is {state(ds, 'RescaleIntercept')}: 0 assumed")
    for key in ("RescaleSlope", "RescaleIntercept"):
        if len({*numbers(ds, key)}) > 1:
            notes.append(f"{key} has several values: the first taken")
    return slope or 1.0, intercept or 0.0, tuple(notes)


def _rescaled(values: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Whole numbers stay whole numbers where they can: they are quicker, and lookup tables want them."""
    if slope == 1 and intercept == int(intercept) and abs(intercept) < 1 << 20:
        return values + int(intercept) if intercept else values
    return values * np.float64(slope) + np.float64(intercept)
