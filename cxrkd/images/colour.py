"""Pictures stored in colour: which of them are grey after all, and how much colour the others have."""

from __future__ import annotations

import numpy as np

from cxrkd.images.tones import DEPTHS

# Compression leaves channels of a grey picture this far apart, of 255.
GREY_TOLERANCE = 4
# Channels further apart than this, of 255, are a colour that people see.
COLOURED = 40
GREY = "stored in colour, though grey"
AVERAGED = "colour averaged to grey: a radiograph has no colour, so check that this is one"


def grey_of(colour: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Mean of the channels of uint8 or uint16 (H, W, 3), and what to say.

    Equal channels keep their exact value and kind; else 8 bits give float32 in [0, 1], and 16 bits uint16.
    """
    apart = _apart(colour)
    if not apart.any():
        return colour[..., 0], (GREY,)
    red, green, blue = np.moveaxis(colour, 2, 0)
    total = red.astype(np.float32) + green + blue
    note = GREY if _of_255(int(apart.max()), colour) <= GREY_TOLERANCE else AVERAGED
    if colour.dtype == np.uint8:
        return total / np.float32(3 * 255), (note,)
    return np.rint(total / 3).astype(np.uint16), (note,)


def grey_of_grey(colour: np.ndarray) -> np.ndarray | None:
    """The grey picture uint8 (H, W) that colour channels uint8 (H, W, 3) hold; None where they hold a colour."""
    if _apart(colour).max() > GREY_TOLERANCE:
        return None
    return np.rint(colour.astype(np.float32).mean(2)).astype(np.uint8)


def coloured_share(channels: np.ndarray) -> float:
    """Share of pixels whose channels differ by more than COLOURED, once a tint of the whole picture is taken out.

    Every n-th row and column of uint8 (H, W) or (H, W, 3) is looked at, about 256 of each: a share needs no more.
    """
    if channels.ndim == 2:
        return 0.0
    step = max(1, min(channels.shape[:2]) // 256)
    sample = channels[::step, ::step].astype(np.float32)
    means = sample.mean((0, 1))
    return float((_apart(sample * (means.mean() / np.maximum(means, 1))) > COLOURED).mean())


def as_bytes(channels: np.ndarray) -> np.ndarray:
    """Channels in 8 bits, by the depth that they use."""
    return channels if channels.dtype == np.uint8 else (channels >> (_depth(channels) - 8)).astype(np.uint8)


def _depth(channels: np.ndarray) -> int:
    return next(bits for bits in DEPTHS if channels.max() < 1 << bits)


def _of_255(apart: int, channels: np.ndarray) -> int:
    return apart if channels.dtype == np.uint8 else apart >> (_depth(channels) - 8)


def _apart(colour: np.ndarray) -> np.ndarray:
    # Channel by channel: a reduction over an axis of three takes a hundred times as long.
    red, green, blue = np.moveaxis(colour, 2, 0)
    return np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
