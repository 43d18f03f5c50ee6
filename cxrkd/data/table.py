"""A data set before any pixel is read: which images, whose, and what is known of them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cxrkd.data.cohort import SPLITS, Split, check_no_leak
from cxrkd.errors import DataError
from cxrkd.labels import label_key
from cxrkd.text import shown


@dataclass(frozen=True)
class InNpz:
    """One image inside an array (n, h, w) of an `.npz` file."""

    path: Path
    array: str
    index: int


@dataclass(frozen=True)
class Monochrome1:
    """A film whose table says MONOCHROME1. Whether its tones are still inverted is decided when it is decoded."""

    path: Path


Source = Path | InNpz | Monochrome1
RESERVED = ("id", "patient", "split", "view")
"""What a run's table of held-out images calls its own columns, beside one for each label."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Lesion rectangles of some images.

    Attributes:
        rows: int (M,), row of the table. labels: int (M,), column of the targets.
        xywh: float (M, 4), left, top, width and height as shares of the square image's side.
    """

    rows: np.ndarray
    labels: np.ndarray
    xywh: np.ndarray

    def masks(self, row: int, n_labels: int, size: int) -> np.ndarray:
        """Masks bool (K, S, S) of one row; all False for labels and rows that nobody drew a box for.

        A box covers every pixel that it touches, so that a small one does not vanish when the image is reduced.
        """
        found = np.zeros((n_labels, size, size), bool)
        for k, (x, y, w, h) in zip(self.labels[self.rows == row], self.xywh[self.rows == row] * size, strict=True):
            top, left = max(0, int(np.floor(y))), max(0, int(np.floor(x)))
            found[k, top : int(np.ceil(y + h)), left : int(np.ceil(x + w))] = True
        return found


@dataclass(frozen=True, eq=False)
class ImageTable:
    """N images of a published data set, in the order of its files. Arrays are aligned by row.

    Attributes:
        name: what the pages call the data set.
        labels: K label names, told apart also where case, spaces, hyphens and underscores do not count.
        sources: where each image is, N of them.
        targets: float32 (N, K): 1 present, 0 absent, NaN unknown.
        patients: str (N,). ids: str (N,), unique. split: str (N,), of SPLITS.
        views: str (N,): "PA", "AP", "L" (lateral) or "unknown".
        boxes: lesion truth where the data set has some.
        notes: what was read otherwise than it is written, a sentence each.
    """

    name: str
    labels: tuple[str, ...]
    sources: tuple[Source, ...] = field(repr=False)
    targets: np.ndarray = field(repr=False)
    patients: np.ndarray = field(repr=False)
    ids: np.ndarray = field(repr=False)
    split: np.ndarray = field(repr=False)
    views: np.ndarray = field(repr=False)
    boxes: Boxes | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse tables that nothing can be trained on.

        Raises:
            DataError: no images, columns of unequal length, a label or id twice, an empty split, or a patient in two
                splits.
        """
        _check_labels(self.name, self.labels)
        lengths = {k: len(getattr(self, k)) for k in ("targets", "patients", "ids", "split", "views")}
        if set(lengths.values()) != {len(self.sources)} or self.targets.shape[1:] != (len(self.labels),):
            raise DataError(f"{self.name}: expected {len(self.sources)} rows in every column, got {lengths}.")
        names, counts = np.unique(self.ids, return_counts=True)
        if (counts > 1).any():
            raise DataError(f"{self.name}: every image needs a name of its own; {names[counts > 1][0]} comes twice.")
        empty = [name for name in SPLITS if not (self.split == name).any()]
        if empty:
            raise DataError(f"{self.name}: expected images in train, val and test; {' and '.join(empty)} has none.")
        check_no_leak(self.patients, self.split)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.sources)

    def rows(self, split: Split) -> np.ndarray:
        """Indices (n,) of the images of one split, in order."""
        return np.flatnonzero(self.split == split)


def _check_labels(name: str, labels: tuple[str, ...]) -> None:
    seen: dict[str, str] = {}
    for label in labels:
        if label in RESERVED or not label.strip() or any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in label):
            raise DataError(
                f"{name}: a label cannot be called {shown(label)}; {', '.join(RESERVED)} have a meaning of their own, "
                "and a name is one line of text. Rename the column."
            )
        other = seen.setdefault(label_key(label), label)
        if other is not label:
            raise DataError(
                f"{name}: the labels {shown(other)} and {shown(label)} cannot be told apart. Rename one of them."
            )
