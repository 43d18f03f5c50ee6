"""Whether two pictures are of one exposure, however they were resized, compressed or toned: a perceptual hash.

256 bits a picture: which of the lowest 16 x 16 cosine frequencies of its 32 x 32 thumbnail lie above their median
(pHash; Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010). The bits are those of
`imagehash.phash` with a hash size of 16, as far apart for different films, at a ninth of the time. With its usual 64
bits two chest films of different people are as near as a film and its slightly cropped copy (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cxrkd.images.resizing import resized
from cxrkd.progress import Progress

SIDE, LOW = 32, 16
BYTES = LOW * LOW // 8
SAME = 40
"""Bits that two pictures of one exposure may differ in. Measured on ChestX-ray14 (docs/experiments.md): 99 % and more
of a film's degraded copies are nearer, and none of 3 million pairs of films of different patients is."""
_BLOCK = 1 << 22  # distances at a time, so that memory stays bounded


def likeness(image: np.ndarray) -> np.ndarray:
    """The hash of a grey picture.

    Args:
        image: uint8 (S, S), S at least 32.

    Returns:
        uint8 (32,): 256 bits.
    """
    frequencies = cv2.dct(resized(image, SIDE).astype(np.float32))[:LOW, :LOW].ravel()
    return np.packbits(frequencies > np.median(frequencies[1:]))  # the first is the brightness


def likenesses(
    images: np.ndarray, rows: Sequence[int] | np.ndarray | None = None, progress: Progress | None = None
) -> np.ndarray:
    """The hashes of many pictures.

    Args:
        images: uint8 (N, S, S), such as a memory map; one is read at a time.
        rows: which n of them; all when None.
        progress: called with (done, n).

    Returns:
        uint8 (n, 32).
    """
    chosen = range(len(images)) if rows is None else [int(row) for row in rows]
    hashes = np.empty((len(chosen), BYTES), np.uint8)
    for i, row in enumerate(chosen):
        hashes[i] = likeness(np.asarray(images[row]))
        if progress is not None:
            progress(i + 1, len(chosen))
    return hashes


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Bits that differ, int (n, m), between hashes uint8 (n, 32) and (m, 32)."""
    words_a, words_b = (np.ascontiguousarray(hashes).view(np.uint64) for hashes in (a, b))
    total = np.zeros((len(a), len(b)), np.int16)
    for word in range(words_a.shape[1]):
        total += np.bitwise_count(words_a[:, None, word] ^ words_b[None, :, word])
    return total


def nearest(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most alike picture of `b` for each of `a`, by their hashes uint8 (n, 32) and (m, 32), m at least 1.

    Returns:
        Its row in `b`, int (n,), and the bits that differ, int (n,).
    """
    step = max(1, _BLOCK // len(b))
    blocks = [distances(a[first : first + step], b) for first in range(0, len(a), step)]
    rows = [block.argmin(axis=1) for block in blocks]
    bits = [block.min(axis=1) for block in blocks]
    empty = np.zeros(0, int)
    return np.concatenate([empty, *rows]), np.concatenate([empty, *bits])
