"""Does a map look at the patient at all? Body and air of a chest film, and how much evidence lies outside."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cxrkd.explain.overlay import upsample

AIR = 0.2
"""Of the film's range of tones: darker and joined to the frame is air. By eye on 600 films of ChestX-ray14."""
_BLUR_SHARE = 1 / 112


def body_mask(pixels: np.ndarray) -> np.ndarray:
    """Where the patient is: all that is not air, and air is what is dark and joined to the frame.

    Lungs are as dark as air but enclosed, so they stay inside, and so does everything else that the body encloses;
    letters and tubes that hang in the air do not count. What it gets wrong: a lung that a film cuts off, or an
    overexposed neck or apex that runs into the frame, is taken for air (3 of 609 films of ChestX-ray14 by eye); a
    white border or a bed counts as body; on a film that is filled by the patient everything is body, which is right.

    Args:
        pixels: float (H, W) in [0, 1], bone white.

    Returns:
        bool (H, W), never all False.
    """
    smooth = ndimage.gaussian_filter(pixels, max(pixels.shape) * _BLUR_SHARE)
    low, high = np.percentile(smooth, [0.5, 99.5])
    not_air = ~_touching_frame(smooth < low + AIR * (high - low))
    parts, n = ndimage.label(not_air)
    if n == 0:
        return np.ones(pixels.shape, bool)
    largest = 1 + np.bincount(parts.reshape(-1))[1:].argmax()
    return np.asarray(ndimage.binary_fill_holes(parts == largest))


def _touching_frame(mask: np.ndarray) -> np.ndarray:
    """The connected parts of a mask that reach its frame."""
    parts, _ = ndimage.label(mask)
    frame = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    return np.isin(parts, frame[frame > 0])


def evidence_outside(heat: np.ndarray, body: np.ndarray) -> float:
    """Share of a map's positive evidence outside the body; a map that knows nothing has the share of air in the film.

    Args:
        heat: (h, w), raw and signed, on any grid; brought to the film's by bilinear interpolation, as it is drawn.
        body: bool (H, W), from `body_mask`.

    Returns:
        0 to 1; NaN where nothing speaks for the label.
    """
    positive = np.maximum(upsample(heat, body.shape), 0, dtype=np.float64)
    total = positive.sum()
    return float(positive[~body].sum() / total) if total > 0 else float("nan")
