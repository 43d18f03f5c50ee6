"""What scanners, archives and screens do to a film: each training film gets a sharpness, a grain and a loss of its own.

Networks read how sharp a film is, and where sharpness tells sources apart, it tells their findings (Zech et al., PLOS
Medicine 2018, arXiv 1807.00431; docs/experiments.md). A film at a random sharpness tells nothing by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from cxrkd.images.stress import jpeg

SIDE = 224
"""Pixels a side that blurs are meant at; they grow with the film."""


def degraded(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A film, float32 (S, S) in [0, 1], resampled, blurred or sharpened, grained and compressed, each by chance.

    In the order in which it happens to a film on its way: a detector or a copy of fewer pixels, its filter, its noise,
    and the archive's JPEG. About one film in ten stays as it is.
    """
    for share, change in _WAYS:
        if rng.random() < share:
            film = change(film, rng)
    return np.clip(film, 0, 1).astype(np.float32)


def _resample(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Down to 35 % of the side at most, and up again."""
    side, smaller = len(film), max(16, round(len(film) * rng.uniform(0.35, 1)))
    down, up = rng.choice([cv2.INTER_AREA, cv2.INTER_LINEAR]), rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])
    small = cv2.resize(film, (smaller, smaller), interpolation=int(down))
    return np.asarray(cv2.resize(small, (side, side), interpolation=int(up)))


def _refocus(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blurred, or, less often, with its edges enhanced as many detectors do."""
    unit = len(film) / SIDE
    if rng.random() < 0.7:
        return _blurred(film, unit * rng.uniform(0.3, 1.6))
    return film + rng.uniform(0.2, 1) * (film - _blurred(film, unit * rng.uniform(0.8, 2)))


def _blurred(film: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(film, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))


def _grain(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise, from half a grey level of 255 to ten."""
    sigma = math.exp(rng.uniform(math.log(0.002), math.log(0.04)))
    return film + np.float32(sigma) * rng.standard_normal(film.shape, dtype=np.float32)


def _compress(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG and back."""
    return jpeg(int(rng.integers(30, 96)))(film, 0)


_WAYS: tuple[tuple[float, Callable[[np.ndarray, np.random.Generator], np.ndarray]], ...] = (
    (0.5, _resample),
    (0.55, _refocus),
    (0.6, _grain),
    (0.4, _compress),
)
"""How often, and what."""
