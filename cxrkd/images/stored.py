"""The numbers that a DICOM file stores, as its header means them: which bits of a cell, with or without a sign."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from pydicom.dataset import Dataset

from cxrkd.images.decoding import cells_of
from cxrkd.images.elements import state, whole
from cxrkd.images.frames import JPEG_2000, Frame


@dataclass(frozen=True)
class Bits:
    """Where in a cell a pixel stands (PS3.5, 8.1.1): `stored` bits up to bit `high`, with a sign or without."""

    stored: int
    high: int
    signed: bool

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value."""
        half = 1 << (self.stored - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)


@dataclass(frozen=True, eq=False)
class Stored:
    """Stored pixel values.

    Attributes:
        values: integers (H, W), before the modality LUT.
        cells: unsigned (H, W), what the file holds with all bits.
        bits: what of a cell is the value.
    """

    values: np.ndarray
    cells: np.ndarray
    bits: Bits


def stored_values(ds: Dataset, name: str) -> tuple[Stored, tuple[str, ...]]:
    """Decode the pixels of a data set and take from each cell what is its value; and notes.

    Raises:
        ImageError: compression without decoder, colour, another size or number of bytes than the header says.
    """
    cells, notes = cells_of(ds, name)
    bits, more = layout(ds, cells.allocated)
    if cells.frame is not None:
        bits, odd = as_the_frame_has_it(bits, cells.frame)
        more = (*more, *odd)
    values, outside = extract(cells.values, bits)
    return Stored(values, cells.values, bits), (*notes, *more, *outside)


def layout(ds: Dataset, allocated: int) -> tuple[Bits, tuple[str, ...]]:
    """BitsStored, HighBit and PixelRepresentation of a cell of `allocated` bits; what is absent or absurd is noted."""
    notes = []
    stored, high = whole(ds, "BitsStored"), whole(ds, "HighBit")
    if stored is None or not 1 <= stored <= allocated:
        stored = high + 1 if high is not None and 0 <= high < allocated else allocated
        notes.append(f"BitsStored is {state(ds, 'BitsStored')}: {stored} assumed")
    if high is None or not stored - 1 <= high < allocated:
        high = stored - 1
        notes.append(f"HighBit is {state(ds, 'HighBit')}: {high} assumed")
    sign = whole(ds, "PixelRepresentation")
    if sign not in (0, 1):
        notes.append(f"PixelRepresentation is {state(ds, 'PixelRepresentation')}: 0 (no sign) assumed")
    return Bits(stored, high, sign == 1), tuple(notes)


def as_the_frame_has_it(bits: Bits, frame: Frame) -> tuple[Bits, tuple[str, ...]]:
    """A compressed frame that has fewer bits than the header says holds values, not cells."""
    if frame.bits < bits.stored:
        note = f"the compressed image has {frame.bits} bits, BitsStored says {bits.stored}: those of the image taken"
        return Bits(frame.bits, frame.bits - 1, frame.signed), (note,)
    sign = ("the compressed image and PixelRepresentation disagree about the sign: the latter taken",)
    notes = sign * (frame.kind == JPEG_2000 and frame.signed != bits.signed)
    if frame.bits > bits.high:
        return bits, notes
    aligned = replace(bits, high=bits.stored - 1)
    return aligned, (*notes, f"HighBit is outside the compressed image's {frame.bits} bits: {aligned.high} assumed")


def extract(cells: np.ndarray, bits: Bits) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values (H, W) of unsigned cells (H, W); and a note where others were set, by old overlays perhaps."""
    shift, mask = bits.high + 1 - bits.stored, (1 << bits.stored) - 1
    field: np.ndarray = (cells >> shift).astype(np.int64 if bits.stored > 31 else np.int32)
    field &= mask
    sign = 1 << (bits.stored - 1)
    values = (field ^ sign) - sign if bits.signed else field
    # A sign that goes on above the highest bit is no overlay.
    whole_cell = (values.astype(np.int64) << shift) & ((1 << 8 * cells.itemsize) - 1)
    if np.array_equal(whole_cell, cells) or np.array_equal(field.astype(np.int64) << shift, cells):
        return values, ()
    return values, ("bits outside BitsStored left out",)
