"""A cohort: what is known of N radiographs, at once, and their pixels, when they are asked for."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from cxrkd.access.confine import confined_as_now
from cxrkd.data.lesions import Lesions
from cxrkd.data.pixels import Pixels
from cxrkd.errors import DataError
from cxrkd.labels import label_key
from cxrkd.progress import Progress
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.images.film import Film

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
RESERVED = ("id", "patient", "split", "view")
"""What a run's table of held-out images calls its own columns, beside one for each label."""
_COLUMNS = ("targets", "patients", "ids", "split", "views", "pixels")


@dataclass(frozen=True, eq=False)
class Cohort:
    """N images and what is known of them, in the order of the data set. Arrays are aligned by row.

    Attributes:
        name: what the pages call the data set.
        labels: K label names, told apart also where case, spaces, hyphens and underscores do not count.
        targets: float32 (N, K): 1 present, 0 absent, NaN unknown (left out of metrics and of what is learned from
            labels; a teacher teaches such cells all the same).
        patients: str (N,), the unit of splitting and of the bootstrap.
        ids: str (N,), unique.
        split: str (N,), of SPLITS.
        views: str (N,): "PA", "AP", "L" (lateral) or "unknown".
        pixels: where the images come from.
        synthetic: True for phantoms. A model trained on them says so beside every answer on a real film.
        lesions: where they are; None where the data set knows of none at all.
        captions: str (N,), what people call an image; None where that is its id.
        notes: what was read otherwise than it is written, a sentence each.
        truth: what people call its labels, by who gave them.
        split_drawn: whether the split was drawn by the reader, because the data set has none.
    """

    name: str
    labels: tuple[str, ...]
    targets: np.ndarray = field(repr=False)
    patients: np.ndarray = field(repr=False)
    ids: np.ndarray = field(repr=False)
    split: np.ndarray = field(repr=False)
    views: np.ndarray = field(repr=False)
    pixels: Pixels = field(repr=False)
    synthetic: bool = False
    lesions: Lesions | None = field(default=None, repr=False)
    captions: np.ndarray | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    truth: str = "Labels of the data set"
    split_drawn: bool = False

    def __post_init__(self) -> None:
        """Refuse what nothing can be learned from.

        Raises:
            DataError: no images, columns of unequal length, a label or id twice, or a patient in two splits.
        """
        if not len(self.ids):
            raise DataError(f"{self.name} holds no image. Check the folder, and what its table lists.")
        _refuse_labels(self.name, self.labels)
        lengths = {k: len(getattr(self, k)) for k in _COLUMNS}
        if set(lengths.values()) != {len(self.ids)} or self.targets.shape[1:] != (len(self.labels),):
            raise DataError(f"{self.name}: expected {len(self.ids)} rows in every column, got {lengths}.")
        names, counts = np.unique(self.ids, return_counts=True)
        if (counts > 1).any():
            raise DataError(f"{self.name}: every image needs a name of its own; {names[counts > 1][0]} comes twice.")
        check_no_leak(self.patients, self.split)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    @property
    def size(self) -> int:
        """S, the side of the images in pixels."""
        return self.pixels.size

    @property
    def images(self) -> np.ndarray:
        """Uint8 (N, S, S), usually a read-only memory map; prepared on first use, see `prepare`."""
        return self.pixels.images()

    def prepare(self, progress: Progress | None = None) -> None:
        """See to it that `images` stand ready.

        Args:
            progress: called with (images done, images in all) while that takes time.

        Raises:
            DataError: images cannot be decoded, the disk is too small, or what was prepared is damaged.
        """
        self.pixels.images(progress)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when any image, target or split changes; keys the teacher-logit cache."""
        return self.pixels.fingerprint(self)

    @property
    def titles(self) -> np.ndarray:
        """Str (N,), what people call an image."""
        return self.ids if self.captions is None else self.captions

    @cached_property
    def positive(self) -> np.ndarray:
        """Bool (N, K): known to be present."""
        return self.targets > 0.5

    @cached_property
    def unlabelled(self) -> np.ndarray:
        """Bool (N,): not one label is known. Such images are of no use but under a teacher."""
        return np.isnan(self.targets).all(axis=1)

    @cached_property
    def no_finding(self) -> np.ndarray:
        """Bool (N,): every label is known to be absent. An image with an unknown label, or none, may have a finding."""
        return np.all(self.targets <= 0.5, axis=1) & bool(self.labels)

    def rows(self, split: Split) -> np.ndarray:
        """Indices (n,) of the images of one split, in order."""
        return np.flatnonzero(self.split == split)

    def row_of(self, image_id: str) -> int:
        """Row of an image.

        Raises:
            DataError: no image has that id.
        """
        rows = np.flatnonzero(self.ids == image_id)
        if not len(rows):
            raise DataError(
                f"Expected the id of one of {len(self)} images such as {self.ids[0]}, got {shown(image_id)}."
            )
        return int(rows[0])

    def masks(self, row: int, size: int) -> np.ndarray:
        """Lesion truth of one row at side S, bool (K, S, S); all False where nobody marked any."""
        if self.lesions is None:
            return np.zeros((len(self.labels), size, size), bool)
        return self.lesions.masks(row, size)

    def film(self, row: int, size: int | None = None) -> Film:
        """One row, at the cohort's size or another, without preparing the others.

        Raises:
            DataError: its file is gone or cannot be read.
        """
        from cxrkd.images.film import Film, Truth

        severity = None if self.lesions is None else self.lesions.severity(row)
        return Film(
            name=str(self.ids[row]),
            tones=self.pixels.tones(row, size or self.size),
            read=confined_as_now(partial(self.pixels.whole, row)),
            real=not self.synthetic,
            truth=Truth(self.labels, self.targets[row], partial(self.masks, row), severity, self.truth),
            patient=str(self.patients[row]),
            view=str(self.views[row]),
        )


def check_no_leak(patients: np.ndarray, split: np.ndarray) -> None:
    """Raise DataError naming up to three patients that are in more than one split."""
    names, patient = np.unique(patients.astype(str), return_inverse=True)
    parts, part = np.unique(split.astype(str), return_inverse=True)
    pairs = np.unique(patient * len(parts) + part)
    leaking = names[np.bincount(pairs // max(1, len(parts)), minlength=len(names)) > 1]
    if len(leaking):
        raise DataError(
            f"{len(leaking)} patients are in more than one split (for example {', '.join(leaking[:3])}). "
            "Split by patient, not by image."
        )


def refuse_empty_splits(name: str, split: np.ndarray) -> None:
    """Raise DataError naming the splits that have no image: a run needs all three."""
    empty = [part for part in SPLITS if not (split == part).any()]
    if empty:
        raise DataError(f"{name}: expected images in train, val and test; {' and '.join(empty)} has none.")


def _refuse_labels(name: str, labels: Sequence[str]) -> None:
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
