"""A cohort: grey images of one size, targets, patients and a split, ready to train on or to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from cxrkd.errors import DataError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class Cohort:
    """N images and what is known of them. Arrays are aligned by row.

    Attributes:
        name: what the pages call the data set; phantoms carry the word "phantom".
        labels: K label names.
        images: uint8 (N, S, S), usually a read-only memory map.
        targets: float32 (N, K): 1 present, 0 absent, NaN unknown (left out of metrics and of what is learned from
            labels; a teacher teaches such cells all the same).
        patients: str (N,), the unit of splitting and of the bootstrap.
        ids: str (N,), unique.
        split: str (N,), one of SPLITS.
        views: str (N,), "PA" or "AP"; of real data sets also "L" (lateral) or "unknown".
        fingerprint: changes when any image, target or split changes; keys the teacher-logit cache.
        synthetic: True for phantoms. A model trained on them says so beside every answer on a real film.
        lesion_masks: row -> bool (K, S, S) lesion truth, all False where nobody marked any; None when the data set has
            none at all.
    """

    name: str
    labels: tuple[str, ...]
    images: np.ndarray
    targets: np.ndarray
    patients: np.ndarray
    ids: np.ndarray
    split: np.ndarray
    views: np.ndarray
    fingerprint: str
    synthetic: bool
    lesion_masks: Callable[[int], np.ndarray] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse rows that do not line up and patients that leak between splits.

        Raises:
            DataError: arrays differ in length, or one patient is in two splits.
        """
        n = len(self.images)
        lengths = {k: len(getattr(self, k)) for k in ("targets", "patients", "ids", "split", "views")}
        wrong = {k: v for k, v in lengths.items() if v != n}
        if wrong:
            raise DataError(f"{self.name}: expected {n} rows in every column, got {wrong}")
        check_no_leak(self.patients, self.split)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def rows(self, split: Split) -> np.ndarray:
        """Indices (n,) of the images of one split, in order."""
        return np.flatnonzero(self.split == split)


def check_no_leak(patients: np.ndarray, split: np.ndarray) -> None:
    """Raise DataError naming up to three patients that are in more than one split."""
    pairs = np.unique(np.stack([patients.astype(str), split.astype(str)], 1), axis=0)
    names, counts = np.unique(pairs[:, 0], return_counts=True)
    leaking = names[counts > 1]
    if len(leaking):
        raise DataError(
            f"{len(leaking)} patients are in more than one split (for example {', '.join(leaking[:3])}). "
            "Split by patient, not by image."
        )
