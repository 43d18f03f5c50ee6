"""What an image looks like as a whole, in a few hundred numbers: the features of the radiograph gate.

Everything is computed from the image stretched to 64 x 64 with areas averaged, so that a film of 64 pixels and one of
3,000 give nearly the same numbers and no figure can hang on sharpness.
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 64
FIRST_SIDE = 256
RANK_SIDE = 32
CELLS, DIRECTIONS, BINS = 8, 8, 16
N_RANKS, N_EDGES = RANK_SIDE**2, CELLS**2 * DIRECTIONS


def shrink(pixels: np.ndarray) -> np.ndarray:
    """The whole image (H, W) as float32 (64, 64); not the central square, since what lies outside tells much."""
    height, width = pixels.shape
    blocks = min(height, width) // FIRST_SIDE
    if blocks > 1:
        # Whole blocks first: averaging areas that cut pixels takes over ten times as long on a large film. At most
        # blocks - 1 rows and columns, less than 1 in 256, are left out.
        whole = pixels[: height // blocks * blocks, : width // blocks * blocks]
        pixels = cv2.resize(whole, (width // blocks, height // blocks), interpolation=cv2.INTER_AREA)
    how = cv2.INTER_AREA if min(pixels.shape) > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=how))


def ranks(small: np.ndarray) -> np.ndarray:
    """Order of the tones of a 32 x 32 version, float32 (1024,) in [-0.5, 0.5].

    Any monotone change of tones (a window, a gamma) leaves it as it is; inverting changes its sign.
    """
    from scipy.stats import rankdata  # the process that decodes has no need of it, and it takes a third of its start

    tiny = cv2.resize(small, (RANK_SIDE, RANK_SIDE), interpolation=cv2.INTER_AREA)
    # Rounded, so that areas of one tone tie instead of being ordered by the noise of the arithmetic.
    return (rankdata(np.round(tiny, 4), axis=None) / N_RANKS - 0.5).astype(np.float32)


def edges(small: np.ndarray) -> np.ndarray:
    """Directions of edges, float32 (512,): for each of 8 x 8 cells the strength in 8 directions, dark to bright.

    Histograms of oriented gradients (Dalal and Triggs, CVPR 2005), square roots, scaled to unit length over the image.
    """
    dx, dy = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    strength, angle = cv2.cartToPolar(dx, dy)
    at = angle * (DIRECTIONS / (2 * np.pi))
    low = at.astype(int)
    share = at - low
    step = SIDE // CELLS
    cell = (np.arange(SIDE) // step)[:, None] * CELLS + (np.arange(SIDE) // step)[None]
    votes = np.zeros(N_EDGES)
    for bin_, weight in ((low, 1 - share), (low + 1, share)):
        index = cell * DIRECTIONS + bin_ % DIRECTIONS
        votes += np.bincount(index.ravel(), (strength * weight).ravel(), minlength=N_EDGES)
    return np.sqrt(votes / max(votes.sum(), 1e-9)).astype(np.float32)


def tones(small: np.ndarray) -> np.ndarray:
    """Square roots of a histogram of 16 tones between the darkest and the brightest, float32 (16,)."""
    low, high = float(small.min()), float(small.max())
    counts, _ = np.histogram((small - low) / max(high - low, 1e-4), BINS, (0, 1))
    return np.sqrt(counts / small.size).astype(np.float32)


def symmetry(rank: np.ndarray) -> np.ndarray:
    """Correlation of the ranks with themselves mirrored left to right and top to bottom, float32 (2,)."""
    square = rank.reshape(RANK_SIDE, RANK_SIDE)
    energy = max(float((square**2).sum()), 1e-9)
    return np.array([(square * turned).sum() / energy for turned in (square[:, ::-1], square[::-1])], np.float32)
