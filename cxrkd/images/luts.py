"""Lookup tables of DICOM files (PS3.3, C.11.1.1 and C.11.2.1.1), for modality and VOI alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from cxrkd.images.elements import body

# A table that lacks less than a tenth of its entries goes on with its last one; one that lacks more is no table.
ENOUGH_ENTRIES = 0.9


@dataclass(frozen=True, eq=False)
class Table:
    """A lookup table.

    Attributes:
        first: the value that the first entry is for; smaller values get it too.
        entries: uint16 (n,); larger values get the last one.
        bits: of an entry.
        notes: what is odd about it.
    """

    first: int
    entries: np.ndarray
    bits: int
    notes: tuple[str, ...] = ()

    def look_up(self, values: np.ndarray) -> np.ndarray:
        """Entries uint16 (H, W) for whole numbers (H, W)."""
        at = np.rint(values).astype(np.int64) - self.first
        return self.entries[np.clip(at, 0, len(self.entries) - 1)]

    def shade(self, values: np.ndarray) -> np.ndarray:
        """Entries for whole numbers (H, W) as shares of the largest that an entry can be, float32 (H, W)."""
        return self.look_up(values).astype(np.float32) / np.float32((1 << self.bits) - 1)


def tables(ds: Dataset, keyword: str, signed: bool) -> list[Table | None]:
    """The tables of a sequence, None for each that cannot be used; `signed` says whether values below 0 may come."""
    items = ds.get(keyword)
    return [_table(item, signed) for item in items] if isinstance(items, Sequence) else []


def also_signed(originals: list[Table | None]) -> list[Table | None]:
    """The tables, each one whose first value may have lost its sign followed by what it then means."""
    again: list[Table | None] = []
    for table in originals:
        again.append(table)
        if table is not None and table.first >= 0x8000:
            note = "first value of the lookup table read with a sign"
            again.append(replace(table, first=table.first - 0x10000, notes=(*table.notes, note)))
    return again


def _table(item: Dataset, signed: bool) -> Table | None:
    descriptor, element = body(item, "LUTDescriptor"), item.get_item("LUTDescriptor")
    if len(descriptor) != 6 or not isinstance(element, RawDataElement):
        return None
    order = "<u2" if element.is_little_endian else ">u2"
    n, first, bits = (int(value) for value in np.frombuffer(descriptor, order))
    entries = _entries(body(item, "LUTData"), n or 1 << 16, bits, order)
    if entries is None:
        return None
    lacking = (n or 1 << 16) - len(entries)
    if lacking:
        entries = np.pad(entries, (0, lacking), mode="edge")
    notes = (f"the lookup table lacks {lacking} entries: its last one repeated",) * bool(lacking)
    surplus = len(body(item, "LUTData")) > 2 * len(entries)
    notes += ("the lookup table has more entries than it names: the rest left out",) * surplus
    depth = bits if 1 <= bits <= 16 and entries.max() < 1 << bits else max(8, int(entries.max()).bit_length())
    notes += (f"entries of the lookup table do not have the bits that it names: {depth} assumed",) * (depth != bits)
    negative = first >= 0x8000 and (signed or element.VR == "SS")
    return Table(first - 0x10000 if negative else first, entries, depth, notes)


def _entries(data: bytes, n: int, bits: int, order: str) -> np.ndarray | None:
    """Up to `n` entries: a word each, or two of 8 bits packed in a word, the first of them in its low byte."""
    words = np.frombuffer(data[: len(data) // 2 * 2], order)
    if bits <= 8 and len(data) in (n, n + n % 2):
        return np.frombuffer(data + bytes(n % 2), order, -(-n // 2)).astype("<u2").view("u1")[:n].astype("u2")
    return words[:n].astype("u2") if len(words) >= ENOUGH_ENTRIES * n else None
