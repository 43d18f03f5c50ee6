"""Pixels that fill the frame beside the film (PS3.3, C.7.5.1.1.2): black, and no part of what tones are scaled by."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from cxrkd.images.elements import state, whole
from cxrkd.images.stored import Bits, Stored

# With less film than this left, the elements are wrong rather than the film.
LEAST_FILM = 0.01


def film_of(ds: Dataset, stored: Stored) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Which pixels belong to the film, bool (H, W), or None for all of them; and notes."""
    value, limit = whole(ds, "PixelPaddingValue"), whole(ds, "PixelPaddingRangeLimit")
    if value is None:
        unused = (f"padding not looked for: PixelPaddingValue is {state(ds, 'PixelPaddingValue')}",)
        return None, unused * ("PixelPaddingValue" in ds or "PixelPaddingRangeLimit" in ds)
    inside = ~_padded(stored, value, limit)
    note = f"only PixelPaddingValue looked for: PixelPaddingRangeLimit is {state(ds, 'PixelPaddingRangeLimit')}"
    alone = (note,) * (limit is None and "PixelPaddingRangeLimit" in ds)
    if inside.all():
        return None, alone
    if inside.mean() < LEAST_FILM:
        return None, ("PixelPaddingValue not used: nearly all of the image would be padding",)
    return inside, (f"padding ({1 - inside.mean():.0%} of the image) drawn black and left out of the scaling", *alone)


def _padded(stored: Stored, value: int, limit: int | None) -> np.ndarray:
    """Pixels from the padding value to the limit of its range, which may be the smaller one; both are stored values."""
    bits = stored.bits
    if limit is None and not bits.range[0] <= as_stored(value, bits) <= bits.range[1]:
        # No value of so few bits: files then mean the whole cell, unused bits and all.
        return stored.cells == value & (1 << 8 * stored.cells.itemsize) - 1
    low, high = sorted(as_stored(end, bits) for end in (value, value if limit is None else limit))
    return (stored.values >= low) & (stored.values <= high)


def as_stored(value: int, bits: Bits) -> int:
    """A value of 16 bits with the sign that the pixels have, whatever sign the element was written with."""
    value &= 0xFFFF
    return value - 0x10000 if bits.signed and value >= 0x8000 else value
