"""Superpixels of a radiograph and images in which some of them are hidden."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.segmentation import slic

from cxrkd.errors import ConfigError
from cxrkd.explain.lime_settings import FILLS, Fill
from cxrkd.text import shown

# Wide enough to dissolve a lesion of a superpixel's size: 14 pixels at 224.
BLUR_SHARE = 1 / 16


def superpixels(pixels: np.ndarray, n_segments: int = 40) -> np.ndarray:
    """SLIC segments (Achanta et al., TPAMI 2012) of a grey image.

    A compactness of 0.2 lets segments follow the heart, the diaphragm and the lung border, and still cuts the lungs
    into compact pieces; below 0.1 they turn into thin contour bands, at skimage's default of 10 into squares.

    Args:
        pixels: float32 (H, W) in [0, 1].
        n_segments: about how many; SLIC decides.

    Returns:
        int32 (H, W), every number from 0 to S - 1 in use.

    Raises:
        ConfigError: fewer than two segments asked for.
    """
    if n_segments < 2:
        raise ConfigError(f"Expected at least 2 superpixels, got {n_segments}.")
    segments = slic(pixels, n_segments=n_segments, compactness=0.2, sigma=1, start_label=0, channel_axis=None)
    return np.unique(segments, return_inverse=True)[1].reshape(pixels.shape).astype(np.int32)


def filling(pixels: np.ndarray, segments: np.ndarray, fill: Fill) -> np.ndarray:
    """What is seen where a segment is hidden, float32 (H, W).

    "blur" takes the structure and leaves the surrounding brightness, so that a hidden segment is not itself a new
    black or flat object; "mean" is each segment's mean (lime's choice, nearly nothing on smooth lung); "black" is 0.

    Raises:
        ConfigError: unknown fill.
    """
    if fill == "blur":
        return ndimage.gaussian_filter(pixels, sigma=max(pixels.shape) * BLUR_SHARE, mode="nearest")
    if fill == "mean":
        means = ndimage.mean(pixels, segments, index=np.arange(segments.max() + 1))
        return np.asarray(means, dtype=np.float32)[segments]
    if fill == "black":
        return np.zeros_like(pixels)
    raise ConfigError(f"Unknown fill {shown(fill)}: expected one of {', '.join(FILLS)}.")


def filling_whole(pixels: np.ndarray, fill: Fill) -> np.ndarray:
    """The same where any part of the film may be hidden: "mean" is that of the film."""
    return filling(pixels, np.zeros(pixels.shape, np.int32), fill)


def compose(pixels: np.ndarray, filled: np.ndarray, segments: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Images (B, 1, H, W) that show `pixels` where a mask (B, S) is True and `filled` elsewhere."""
    return np.where(masks[:, segments], pixels, filled)[:, None]
