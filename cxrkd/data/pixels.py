"""Where the pixels of a cohort come from: files that are decoded once, a program that draws them, or memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cxrkd.progress import Progress


class Known(Protocol):
    """What is known of the images: the columns of a cohort, see `cxrkd.data.cohort.Cohort`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """K names."""

    @property
    def targets(self) -> np.ndarray:
        """Float32 (N, K)."""

    @property
    def patients(self) -> np.ndarray:
        """Str (N,), as are the next three."""

    @property
    def ids(self) -> np.ndarray:
        """Names of the images."""

    @property
    def split(self) -> np.ndarray:
        """Train, val or test."""

    @property
    def views(self) -> np.ndarray:
        """Of the film."""


class Pixels(Protocol):
    """The pixels of N images, squares of side S. Nothing is read or drawn before it is asked for."""

    @property
    def size(self) -> int:
        """S."""

    def __len__(self) -> int:
        """N."""

    def fingerprint(self, known: Known) -> str:
        """Identity of these pixels with the labels, targets, patients and split that go with them."""

    def images(self, progress: Progress | None = None) -> np.ndarray:
        """All of them, uint8 (N, S, S), prepared on the first call; `progress` counts images while that goes on."""

    def tones(self, row: int, size: int) -> np.ndarray:
        """One of them, uint8 (size, size), without preparing the others."""

    def whole(self, row: int) -> np.ndarray:
        """The whole picture that one of them is made of, float32 (H, W) in [0, 1]."""


@dataclass(frozen=True, eq=False)
class InMemory:
    """Pixels that are there already.

    Attributes:
        array: uint8 (N, S, S).
        name: what the fingerprint is; whoever makes them names other pixels otherwise.
    """

    array: np.ndarray = field(repr=False)
    name: str

    @property
    def size(self) -> int:
        """S."""
        return int(self.array.shape[1])

    def __len__(self) -> int:
        """N."""
        return len(self.array)

    def fingerprint(self, known: Known) -> str:
        """The name."""
        return self.name

    def images(self, progress: Progress | None = None) -> np.ndarray:
        """The array."""
        return self.array

    def tones(self, row: int, size: int) -> np.ndarray:
        """One image at another side, areas averaged where it shrinks."""
        from cxrkd.images.resizing import resized

        return resized(self.array[row], size)

    def whole(self, row: int) -> np.ndarray:
        """One image, float32 (S, S)."""
        return np.asarray(self.array[row].astype(np.float32) / np.float32(255))
