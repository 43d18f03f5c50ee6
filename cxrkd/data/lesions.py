"""Where lesions are: what a data set knows of it, and rectangles, the usual form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Lesions(Protocol):
    """Lesion truth of the rows of a cohort."""

    def masks(self, row: int, size: int) -> np.ndarray:
        """Bool (K, S, S) of one row at side S; all False where nobody marked any."""

    def severity(self, row: int) -> np.ndarray | None:
        """Float32 (K,) of one row, 0 absent, about 0.1 barely visible, 1 obvious; None where nobody graded."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Lesion rectangles of some images.

    Attributes:
        rows: int (M,), row of the cohort. labels: int (M,), column of the targets.
        xywh: float (M, 4), left, top, width and height as shares of the square image's side.
        n_labels: K.
    """

    rows: np.ndarray
    labels: np.ndarray
    xywh: np.ndarray
    n_labels: int

    def masks(self, row: int, size: int) -> np.ndarray:
        """Bool (K, S, S) of one row.

        A box covers every pixel that it touches, so that a small one does not vanish when the image is reduced.
        """
        masks = np.zeros((self.n_labels, size, size), bool)
        for k, (x, y, w, h) in zip(self.labels[self.rows == row], self.xywh[self.rows == row] * size, strict=True):
            top, left = max(0, int(np.floor(y))), max(0, int(np.floor(x)))
            masks[k, top : int(np.ceil(y + h)), left : int(np.ceil(x + w))] = True
        return masks

    def severity(self, row: int) -> None:
        """Rectangles are not graded."""
