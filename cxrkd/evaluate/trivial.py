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
    fit = fit[np.linspace(0, len(fit) - 1, min(len(fit), MAX_FIT)).astype(int)] if len(fit) else fit
    rows = np.concatenate([fit, asked])
    features = []
    for n, row in enumerate(rows.tolist()):
        image = np.asarray(images[row])
        features.append((power_spectrum(image), thumbnail(image)))
        if progress is not None:
            progress(n + 1, len(rows))
    blocks = [np.array(block) for block in zip(*features, strict=True)]
    truth, n_fit = targets[fit], len(fit)
    return np.stack([_label_logits(blocks, truth[:, k], n_fit) for k in range(targets.shape[1])], axis=1)


def _label_logits(blocks: list[np.ndarray], truth: np.ndarray, n_fit: int) -> np.ndarray:
    """Logits float32 (n,) of one label behind the first `n_fit` rows of each block of features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = np.flatnonzero(~np.isnan(truth))
    if len(np.unique(truth[known])) < 2:
        return np.full(len(blocks[0]) - n_fit, np.nan, np.float32)
    total = 0.0
    for block, c in zip(blocks, (C_SPECTRUM, C_THUMBNAIL), strict=True):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000))
        total += model.fit(block[known], truth[known]).decision_function(block[n_fit:])
    return np.asarray(total, dtype=np.float32)
