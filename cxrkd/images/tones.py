"""Stored values -> [0, 1]. One place decides what black and white mean."""

from __future__ import annotations

import numpy as np

# Values beyond these percentiles (markers, dead pixels, the collimator) do not decide what black and white are.
LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5
SAMPLE = 1_000_000
DEPTHS = (8, 10, 12, 14, 16)


def eight_bit(values: np.ndarray) -> np.ndarray:
    """Values uint8 (H, W) / 255, always: training images are read this way, so equal pixels stay equal."""
    return values.astype(np.float32) / np.float32(255)


def sixteen_bit(values: np.ndarray, film: np.ndarray | None = None) -> tuple[np.ndarray, str]:
    """Values uint16 (H, W) scaled by the depth they use, or by percentiles where they use less than half of it.

    The depth is the smallest of 8, 10, 12, 14 and 16 bits that holds the largest value: detectors of 12 bits are
    often stored in 16. Where `film`, bool (H, W), is given, only its pixels decide.
    """
    top = int(values.max() if film is None else values[film].max(initial=0))
    depth = next(bits for bits in DEPTHS if top < 2**bits)
    low, high = outer_percentiles(values, film)
    if high - low < 2 ** (depth - 1):
        return by_percentiles(values, "16-bit values", film)
    scaled = np.minimum(values.astype(np.float32) / np.float32(2**depth - 1), 1)
    return scaled, f"16-bit values scaled by a depth of {depth} bits"


def by_percentiles(values: np.ndarray, what: str = "values", film: np.ndarray | None = None) -> tuple[np.ndarray, str]:
    """Any values (H, W) scaled between their 0.5th and 99.5th percentile, of the pixels in `film` where it is given."""
    low, high = outer_percentiles(values, film)
    if high <= low:
        on_film = values if film is None else values[film]
        low, high = float(on_film.min()), float(on_film.max())
    return between(values, low, high), percentile_note(what, low, high)


def outer_percentiles(values: np.ndarray, film: np.ndarray | None = None) -> tuple[float, float]:
    """The two percentiles, of every n-th row and column where there are more than about a million values."""
    step = max(1, int(np.sqrt(values.size / SAMPLE)))
    sample = values[::step, ::step]
    if film is not None:
        sample = sample[film[::step, ::step]] if film[::step, ::step].any() else values[film]
    if not sample.size:
        return 0.0, 0.0
    low, high = np.percentile(sample, [LOW_PERCENTILE, HIGH_PERCENTILE])
    return float(low), float(high)


def between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values scaled so that `low` is 0 and `high` is 1, clipped."""
    scaled = (values - low).astype(np.float32) / np.float32(max(high - low, 1e-12))
    return np.clip(scaled, 0.0, 1.0)


def percentile_note(what: str, low: float, high: float) -> str:
    """What was done, for the notes of a radiograph."""
    limits = f"{round(low, 3):g} to {round(high, 3):g}"
    return f"{what} scaled between their {LOW_PERCENTILE} and {HIGH_PERCENTILE} percentiles ({limits})"
