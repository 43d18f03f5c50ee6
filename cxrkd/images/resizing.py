"""How pictures get another side: one rule for training, answers and previews, so that equal films stay equal."""

from __future__ import annotations

import cv2
import numpy as np


def resized(images: np.ndarray, side: int) -> np.ndarray:
    """Square pictures, (S, S) or (B, S, S), at another side, dtype kept.

    Areas are averaged when they shrink, so that nothing aliases; they grow by bilinear interpolation.
    """
    if images.shape[-2:] == (side, side):
        return images
    if images.ndim > 2:
        return np.stack([resized(image, side) for image in images])
    how = cv2.INTER_AREA if len(images) > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(images, (side, side), interpolation=how))
