"""What a phantom cohort holds, without drawing it: labels in a second, single films on demand.

A page that shows prevalence or one sample must not wait minutes for thousands of films.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxrkd.config import PhantomConfig
from cxrkd.data.cohort import Split
from cxrkd.data.phantom import Phantom, n_visits, render, view_and_labels
from cxrkd.data.splits import split_by_patient
from cxrkd.errors import DataError
from cxrkd.labels import CHESTXRAY14


@dataclass(frozen=True)
class Preview:
    """The table of a cohort; rows are those of `load_cohort(config)`, in the same order.

    Attributes:
        config: what the cohort is made from.
        labels: K label names.
        targets: float32 (N, K), 1 or 0.
        numbers: int (N,), number of the patient. visits: int (N,), 0 to 3.
        patients: str (N,). ids: str (N,), unique. split: str (N,). views: str (N,), "PA" or "AP".
    """

    config: PhantomConfig
    labels: tuple[str, ...]
    targets: np.ndarray
    numbers: np.ndarray
    visits: np.ndarray
    patients: np.ndarray
    ids: np.ndarray
    split: np.ndarray
    views: np.ndarray

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def rows(self, split: Split) -> np.ndarray:
        """Indices (n,) of the images of one split, in order."""
        return np.flatnonzero(self.split == split)

    def row_of(self, image_id: str) -> int:
        """Row of an image.

        Raises:
            DataError: no image has that id.
        """
        found = np.flatnonzero(self.ids == image_id)
        if not len(found):
            raise DataError(f"Expected the id of one of {len(self)} phantoms such as {self.ids[0]}, got {image_id!r}.")
        return int(found[0])

    def film(self, row: int, size: int | None = None) -> Phantom:
        """Draw one row, at the cohort's size or another."""
        pixels = size or self.config.image_size
        return render(self.config.seed, int(self.numbers[row]), int(self.visits[row]), pixels)


def preview(config: PhantomConfig) -> Preview:
    """The table of the cohort that `config` describes."""
    keys = [(p, v) for p in range(config.n_patients) for v in range(n_visits(config.seed, p))]
    drawn = [view_and_labels(config.seed, patient, visit) for patient, visit in keys]
    numbers, visits = np.array(keys).T
    patients = np.array([f"phantom-{config.seed}-{p:06d}" for p, _ in keys])
    targets = np.stack([present for _, present in drawn]).astype(np.float32)
    return Preview(
        config=config,
        labels=CHESTXRAY14,
        targets=targets,
        numbers=numbers,
        visits=visits,
        patients=patients,
        ids=np.array([f"{name}-{visit}" for name, visit in zip(patients, visits, strict=True)]),
        split=split_by_patient(patients, config.seed, targets=targets),
        views=np.array([view for view, _ in drawn]),
    )
