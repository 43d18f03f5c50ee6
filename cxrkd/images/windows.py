"""Which grey values a DICOM file wants to be seen: its lookup table, its window, or else the range present."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import apply_voi
from scipy.special import expit

from cxrkd.images.limits import MIN_CONTRAST
from cxrkd.images.tones import by_percentiles, outer_percentiles

# A file whose window leaves more of the range unused looks flat beside the 8-bit films that models are trained on.
FULL_ENOUGH = 0.9


def to_unit(values: np.ndarray, ds: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values (H, W) after the modality LUT -> float32 (H, W) in [0, 1], not yet inverted, and notes.

    First what the file wants to be seen, then scaled by the range present where that is less than nine tenths.
    """
    seen, notes = _seen(values, ds)
    low, high = outer_percentiles(seen)
    if high - low >= FULL_ENOUGH:
        return seen, notes
    stretched, note = by_percentiles(seen, "tones")
    return stretched, (*notes, note)


def _seen(values: np.ndarray, ds: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """The VOI LUT is preferred to the window, as pydicom does; PS3.3 C.11.2 leaves it open.

    A window that shows nothing of this image is a defect of the file and gives way to percentiles.
    """
    if ds.get("VOILUTSequence"):
        bits = int(ds.VOILUTSequence[0].LUTDescriptor[2])
        seen = apply_voi(values.astype(np.int64), ds).astype(np.float32) / np.float32(2**bits - 1)
        return np.clip(seen, 0.0, 1.0), ("lookup table of the file applied",)
    window = _window(ds)
    if window is None:
        pixels, note = by_percentiles(values)
        return pixels, (f"no window in the file: {note}",)
    pixels = apply_window(values, *window)
    if np.ptp(pixels) >= MIN_CONTRAST:
        return pixels, (f"window of the file applied (centre {window[0]:g}, width {window[1]:g})",)
    pixels, note = by_percentiles(values)
    return pixels, (f"the file's window shows nothing: {note}",)


def apply_window(values: np.ndarray, centre: float, width: float, function: str = "LINEAR") -> np.ndarray:
    """Values seen through a window, float32 in [0, 1] (PS3.3 C.11.2.1.2 and C.11.2.1.3, output range 0 to 1)."""
    x = values.astype(np.float32)
    if function == "SIGMOID":
        return expit(4 * (x - np.float32(centre)) / np.float32(width))
    if function == "LINEAR":
        # The standard's half-pixel convention, in which a window of width 1 is a step.
        centre, width = centre - 0.5, width - 1
    if width <= 0:
        return (x > np.float32(centre)).astype(np.float32)
    return np.clip((x - np.float32(centre)) / np.float32(width) + np.float32(0.5), 0.0, 1.0)


def _window(ds: Dataset) -> tuple[float, float, str] | None:
    """Centre, width and function of the first window; None when there is none that can be used."""
    centre, width = _first(ds.get("WindowCenter")), _first(ds.get("WindowWidth"))
    if centre is None or width is None or not np.isfinite([centre, width]).all() or width <= 0:
        return None
    function = str(ds.get("VOILUTFunction") or "LINEAR").strip().upper()
    return centre, width, function


def _first(value: object) -> float | None:
    if isinstance(value, MultiValue):
        value = value[0] if len(value) else None
    return None if value in (None, "") else float(str(value))
