"""One image in many appearances, so that the gate learns what is shown and not how it was exported."""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 256


def varied(pixels: np.ndarray, rng: np.random.Generator, *, keep: float = 0.85, tilt_deg: float = 6) -> np.ndarray:
    """A film as another exporter might have sent it, float32 (256, 256): crop, tilt, mirror, tones, a border.

    Args:
        pixels: float32 (H, W) in [0, 1].
        rng: draws every choice.
        keep: the smallest share of each side that a crop leaves.
        tilt_deg: standard deviation of the tilt is half of it.
    """
    image = cropped(pixels, rng, keep)
    if rng.random() < 0.5:
        image = image[:, ::-1]
    image = cv2.resize(np.ascontiguousarray(image), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), rng.normal(0, tilt_deg / 2), 1.0)
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    image = cv2.warpAffine(image, turn, (SIDE, SIDE), borderMode=border)
    return framed(toned(image, rng), rng)


def cropped(pixels: np.ndarray, rng: np.random.Generator, keep: float) -> np.ndarray:
    """A rectangle whose sides are `keep` to 1 of the image's, anywhere in it."""
    height, width = pixels.shape
    h, w = (max(16, round(side * rng.uniform(keep, 1))) for side in (height, width))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    return pixels[top : top + h, left : left + w]


def toned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another gamma and window."""
    low, high = rng.uniform(-0.05, 0.12), rng.uniform(0.8, 1.1)
    image = np.clip((image - low) / (high - low), 0, 1) ** np.exp(rng.normal(0, 0.3))
    return np.clip(image, 0, 1).astype(np.float32)


def framed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One time in five a black or white border on some sides, as collimators and scanners leave."""
    if rng.random() > 0.2:
        return image
    image, tone = image.copy(), float(rng.random() < 0.3)
    for side in (image, image[::-1], image.T, image.T[::-1]):
        if rng.random() < 0.5:
            side[: rng.integers(1, round(0.1 * SIDE))] = tone
    return image
