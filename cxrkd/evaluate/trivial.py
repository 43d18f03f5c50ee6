"""What a model gets that knows no anatomy, on the same films: two regressions, one on sharpness, one on a blur.

A network is worth what it has above this. Where films come from several sources, their sharpness tells the sources
apart, and if findings are unevenly spread over sources, it tells the findings too; where patients lie or stand, a
thumbnail does (Zech et al., PLOS Medicine 2018, arXiv 1807.00431; DeGrave et al., Nature Machine Intelligence 2021).
"""

from __future__ import annotations

import cv2
import numpy as np

from cxrkd.progress import Progress

N_BANDS, SIDE = 14, 16
# Inverse strength of the L2 penalty, in scikit-learn's terms: the thumbnail has 18 times as many features.
C_SPECTRUM, C_THUMBNAIL = 0.1, 0.01
MAX_FIT = 20_000
"""Films that a regression of some 270 numbers is fitted to at most; more change nothing."""


def power_spectrum(image: np.ndarray) -> np.ndarray:
    """Log mean power (14,) of a grey image (S, S) in rings of equal width from frequency 0 to 1/2 a pixel.

    The mean is taken away and a Hann window laid over, so that neither brightness nor the frame is seen.
    """
    size = len(image)
    window = np.hanning(size)
    x = image.astype(np.float64) / 255
    power = np.abs(np.fft.rfft2((x - x.mean()) * window[:, None] * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    ring = np.minimum((frequency * 2 * N_BANDS).astype(int), N_BANDS)  # the last one, beyond 1/2, is left out
    total, count = (np.bincount(ring.ravel(), w, N_BANDS + 1)[:N_BANDS] for w in (power.ravel(), None))
    return np.log(total / np.maximum(count, 1) + 1e-12)


def thumbnail(image: np.ndarray) -> np.ndarray:
    """The image (S, S) as 16 x 16 mean tones, float64 (256,) in [0, 1]."""
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel() / 255


def trivial_logits(
    images: np.ndarray,
    targets: np.ndarray,
    fit: np.ndarray,
    asked: np.ndarray,
    progress: Progress | None = None,
) -> np.ndarray:
    """Logits of both regressions added, for some films after a fit to others.

    Args:
        images: uint8 (N, S, S).
        targets: (N, K): 1, 0, or NaN unknown.
        fit: rows of the training films; MAX_FIT of them, evenly spread, are enough.
        asked: rows (n,) to answer.
        progress: called with (films looked at, all).

    Returns:
        float32 (n, K); a column of NaN where the training films lack positives or negatives.
    """
    fit = evenly_spread(fit)
    rows = np.concatenate([fit, asked])
    blocks = features(images, rows, progress)
    known, others = ([block[part] for block in blocks] for part in (slice(len(fit)), slice(len(fit), None)))
    return fitted_logits(known, targets[fit], others)


def evenly_spread(rows: np.ndarray) -> np.ndarray:
    """MAX_FIT of some rows, evenly spread; all where they are no more."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MAX_FIT)).astype(int)] if len(rows) else rows


def features(images: np.ndarray, rows: np.ndarray, progress: Progress | None = None) -> list[np.ndarray]:
    """Power spectra (n, 14) and thumbnails (n, 256) of some films.

    Args:
        images: uint8 (N, S, S).
        rows: which n.
        progress: called with (films looked at, n).
    """
    both = []
    for n, row in enumerate(rows.tolist()):
        image = np.asarray(images[row])
        both.append((power_spectrum(image), thumbnail(image)))
        if progress is not None:
            progress(n + 1, len(rows))
    return [np.array(block) for block in zip(*both, strict=True)] or [np.zeros((0, N_BANDS)), np.zeros((0, SIDE**2))]


def fitted_logits(known: list[np.ndarray], truth: np.ndarray, asked: list[np.ndarray]) -> np.ndarray:
    """Logits float32 (n, K) on the features of some films, after a fit to those of others with their targets (m, K)."""
    return np.stack([_label_logits(known, truth[:, k], asked) for k in range(truth.shape[1])], axis=1)


def _label_logits(known: list[np.ndarray], truth: np.ndarray, asked: list[np.ndarray]) -> np.ndarray:
    """Logits float32 (n,) of one label."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.flatnonzero(~np.isnan(truth))
    if len(np.unique(truth[rows])) < 2:
        return np.full(len(asked[0]), np.nan, np.float32)
    total = 0.0
    for fit, block, c in zip(known, asked, (C_SPECTRUM, C_THUMBNAIL), strict=True):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000))
        total += model.fit(fit[rows], truth[rows]).decision_function(block)
    return np.asarray(total, dtype=np.float32)
