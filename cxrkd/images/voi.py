"""Which grey values a DICOM file wants to be seen: its lookup table, its window, or else the range present."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from pydicom.dataset import Dataset

from cxrkd.images.limits import MIN_CONTRAST
from cxrkd.images.luts import also_signed, tables
from cxrkd.images.tones import by_percentiles, outer_percentiles
from cxrkd.images.windows import windows

# A file whose window leaves more of the range unused looks flat beside the 8-bit films that models are trained on.
FULL_ENOUGH = 0.9
# A window that turns more of the film quite black or quite white was made for something else.
MUCH_LOST = 0.5
# Each window or table that shows nothing costs a pass over the film; files have one to five.
MAX_OFFERS = 16
TABLE = "lookup table of the file applied"
Seen = tuple[np.ndarray, tuple[str, ...]]


def to_unit(values: np.ndarray, ds: Dataset, film: np.ndarray | None, negative: bool) -> Seen:
    """What the file wants to be seen, then scaled by the range present where that is less than nine tenths.

    Args:
        values: (H, W) after the modality LUT.
        ds: with windows and lookup tables.
        film: bool (H, W), which pixels count; None for all.
        negative: values below 0 are possible, so the first value of a lookup table has a sign (C.11.2.1.1).

    Returns:
        float32 (H, W) in [0, 1], not yet inverted, and notes.
    """
    seen, notes = _seen(values, ds, film, negative)
    low, high = outer_percentiles(seen, film)
    if high - low >= FULL_ENOUGH:
        return seen, notes
    stretched, note = by_percentiles(seen, "tones", film)
    return stretched, (*notes, note)


def _seen(values: np.ndarray, ds: Dataset, film: np.ndarray | None, negative: bool) -> Seen:
    """Lookup tables are preferred to windows, as pydicom does; PS3.3 C.11.2 leaves it open.

    One that shows nothing of this image is a defect of the file and gives way to the next, and at last to percentiles.
    """
    passed_over: list[str] = []
    for what, shown in islice(_offers(values, ds, negative), MAX_OFFERS):
        if shown is not None and np.ptp(outer_percentiles(shown[0], film)) >= MIN_CONTRAST:
            skipped = (f"passed over: {', '.join(passed_over)}",) * bool(passed_over)
            return shown[0], (shown[1][0], *skipped, *shown[1][1:], *_lost(shown[0], film, what))
        passed_over.append(f"{what} that {'cannot be used' if shown is None else 'shows nothing'}")
    pixels, note = by_percentiles(values, film=film)
    if not passed_over:
        return pixels, (f"no window in the file: {note}",)
    return pixels, (f"no window in the file is of use ({', '.join(passed_over)}): {note}",)


def _offers(values: np.ndarray, ds: Dataset, negative: bool) -> Iterator[tuple[str, Seen | None]]:
    """What the file offers, in its order: a name, and the picture with its notes, or None where it cannot be used."""
    for table in also_signed(tables(ds, "VOILUTSequence", negative)):
        yield "lookup table", None if table is None else (table.shade(values), (TABLE, *table.notes))
    for window in windows(ds, values):
        if window is None:
            yield "window", None
        else:
            note = f"window of the file applied (centre {window.centre:g}, width {window.width:g})"
            yield "window", (window.see(values), (note, *window.notes))


def _of_film(pixels: np.ndarray, film: np.ndarray | None) -> np.ndarray:
    return pixels if film is None else pixels[film]


def _lost(pixels: np.ndarray, film: np.ndarray | None, what: str) -> tuple[str, ...]:
    on_film = _of_film(pixels, film)
    lost = float(((on_film <= 0) | (on_film >= 1)).mean())
    return (f"the file's {what} turns {lost:.0%} of the film quite black or white",) * (lost > MUCH_LOST)
