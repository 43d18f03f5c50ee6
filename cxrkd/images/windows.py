"""Windows of DICOM files: which values are black, which are white, and how it goes between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from pydicom.dataset import Dataset
from scipy.special import expit

from cxrkd.images.elements import numbers, word

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True)
class Window:
    """Centre, width and function (one of FUNCTIONS) of a window that can be used, and what is odd about it."""

    centre: float
    width: float
    function: str = "LINEAR"
    notes: tuple[str, ...] = ()

    def see(self, values: np.ndarray) -> np.ndarray:
        """Values (H, W) seen through the window, float32 (H, W) in [0, 1]."""
        return apply_window(values, self.centre, self.width, self.function)


def windows(ds: Dataset, values: np.ndarray) -> list[Window | None]:
    """The windows of a file for these values (H, W); None for each that is none."""
    centres, widths = numbers(ds, "WindowCenter"), numbers(ds, "WindowWidth")
    if not word(ds, "WindowCenter") and not word(ds, "WindowWidth"):
        return []
    function, notes = _function(ds)
    return [_window(centre, width, function, notes, values) for centre, width in zip_longest(centres, widths)]


def apply_window(values: np.ndarray, centre: float, width: float, function: str = "LINEAR") -> np.ndarray:
    """Values seen through a window, float32 in [0, 1] (PS3.3 C.11.2.1.2 and C.11.2.1.3, output range 0 to 1)."""
    if function == "LINEAR":
        # The standard's half-pixel convention, in which a window of width 1 is a step.
        centre, width = centre - 0.5, width - 1
    x = (values - np.float64(centre)).astype(np.float32)
    if function == "SIGMOID":
        return expit(4 * x / np.float32(width))
    if width <= 0:
        return (x > 0).astype(np.float32)
    return np.clip(x / np.float32(width) + np.float32(0.5), 0.0, 1.0)


def _window(
    centre: float | None, width: float | None, function: str, notes: tuple[str, ...], values: np.ndarray
) -> Window | None:
    if centre is None or width is None or width <= 0:
        return None
    # LINEAR counts whole grey levels and is not defined below a width of 1 (C.11.2.1.2.1).
    if function == "LINEAR" and (width < 1 or (width == 1 and not np.array_equal(values, np.rint(values)))):
        note = f"a window of width {width:g} on values with fractions applied as LINEAR_EXACT"
        return Window(centre, width, "LINEAR_EXACT", (*notes, note))
    return Window(centre, width, function, notes)


def _function(ds: Dataset) -> tuple[str, tuple[str, ...]]:
    """VOILUTFunction; LINEAR where it is absent, with a note where it is another one than the standard knows."""
    function = word(ds, "VOILUTFunction")
    if function in FUNCTIONS:
        return function, ()
    return "LINEAR", ("VOILUTFunction is not one that is known: LINEAR assumed",) * bool(function)
