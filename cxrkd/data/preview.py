"""What a cohort holds, without making it: its table at once, single films on demand.

A page that shows prevalence or one sample must not wait minutes for thousands of films.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from cxrkd.access.confine import unsaid
from cxrkd.config import ChestMnistConfig, DataConfig, PhantomConfig, RealConfig
from cxrkd.data import prepared
from cxrkd.data.cohort import Split
from cxrkd.data.decode import decode
from cxrkd.data.phantom import n_visits, render, view_and_labels
from cxrkd.data.readers import read_table
from cxrkd.data.readers.chestmnist import N_IMAGES, N_TRAIN, npz_path
from cxrkd.data.splits import split_by_patient
from cxrkd.data.table import ImageTable
from cxrkd.errors import DataError, ImageError
from cxrkd.labels import CHESTXRAY14
from cxrkd.text import shown

IMAGES_PER_PHANTOM_PATIENT = 2.5
PHANTOM_TRAIN_SHARE = 0.7


class Film(Protocol):
    """One image and the truth about it; a `Phantom` is one."""

    @property
    def pixels(self) -> np.ndarray:
        """Uint8 (S, S)."""

    @property
    def labels(self) -> np.ndarray:
        """(K,): 1 present, 0 absent, NaN unknown."""

    @property
    def masks(self) -> np.ndarray:
        """Bool (K, S, S), lesion truth; all False where nobody marked any."""

    @property
    def patient(self) -> str:
        """Identifier shared by the patient's images."""

    @property
    def view(self) -> str:
        """PA or AP; of real films also L or unknown."""

    @property
    def image_id(self) -> str:
        """Unique in the cohort."""


@dataclass(frozen=True, eq=False)
class RealFilm:
    """A film of a real data set; attributes as in `Film`."""

    pixels: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    patient: str
    view: str
    image_id: str


@dataclass(frozen=True, eq=False)
class Preview:
    """The table of a cohort; rows are those of `load_cohort(config)`, in the same order.

    Attributes:
        config: what the cohort is made from.
        name: what the pages call the data set.
        labels: K label names.
        targets: float32 (N, K): 1 present, 0 absent, NaN unknown.
        patients: str (N,). ids: str (N,), unique. split: str (N,). views: str (N,).
        titles: str (N,), what people call an image.
        draw: (row, size) -> film.
        notes: what was read otherwise than it is written, a sentence each.
    """

    config: DataConfig
    name: str
    labels: tuple[str, ...]
    targets: np.ndarray
    patients: np.ndarray
    ids: np.ndarray
    split: np.ndarray
    views: np.ndarray
    titles: np.ndarray
    draw: Callable[[int, int], Film] = field(repr=False)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    @property
    def synthetic(self) -> bool:
        """True for phantoms."""
        return isinstance(self.config, PhantomConfig)

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
        """Bool (N,): every label is known to be absent. An image with an unknown label may have a finding."""
        return np.all(self.targets <= 0.5, axis=1)

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
            raise DataError(
                f"Expected the id of one of {len(self)} images such as {self.ids[0]}, got {shown(image_id)}."
            )
        return int(found[0])

    def film(self, row: int, size: int | None = None) -> Film:
        """One row, at the cohort's size or another.

        Raises:
            DataError: its file is gone or cannot be read.
        """
        return self.draw(row, size or self.config.image_size)


def preview(config: DataConfig) -> Preview:
    """The table of the cohort that `config` describes.

    Raises:
        DataError: a data set of real radiographs is not as published.
    """
    return _phantoms(config) if isinstance(config, PhantomConfig) else _real(config)


def _phantoms(config: PhantomConfig) -> Preview:
    keys = [(p, v) for p in range(config.n_patients) for v in range(n_visits(config.seed, p))]
    drawn = [view_and_labels(config.seed, patient, visit) for patient, visit in keys]
    patients = np.array([f"phantom-{config.seed}-{p:06d}" for p, _ in keys])
    targets = np.stack([present for _, present in drawn]).astype(np.float32)
    return Preview(
        config=config,
        name="Phantom radiographs",
        labels=CHESTXRAY14,
        targets=targets,
        patients=patients,
        ids=np.array([f"{name}-{visit}" for name, (_, visit) in zip(patients, keys, strict=True)]),
        split=split_by_patient(patients, config.seed, targets=targets),
        views=np.array([view for view, _ in drawn]),
        titles=np.array([f"Patient {patient}, visit {visit + 1}" for patient, visit in keys]),
        draw=lambda row, size: render(config.seed, *keys[row], size),
    )


def _real(config: RealConfig) -> Preview:
    table = read_table(config)
    folder = prepared.cache_folder(table, config.image_size)
    return Preview(
        config=config,
        name=table.name,
        labels=table.labels,
        targets=table.targets,
        patients=table.patients,
        ids=table.ids,
        split=table.split,
        views=table.views,
        titles=table.ids,
        draw=lambda row, size: _film(table, row, size, folder if size == config.image_size else None),
        notes=table.notes,
    )


def _film(table: ImageTable, row: int, size: int, folder: Path | None) -> RealFilm:
    """A row; its pixels are those that the networks were shown where `folder` holds them, else the file's."""
    masks = prepared.box_masks(table, size)
    return RealFilm(
        pixels=_pixels(table, row, size, folder),
        labels=table.targets[row],
        masks=np.zeros((len(table.labels), size, size), bool) if masks is None else masks(row),
        patient=str(table.patients[row]),
        view=str(table.views[row]),
        image_id=str(table.ids[row]),
    )


def _pixels(table: ImageTable, row: int, size: int, folder: Path | None) -> np.ndarray:
    if folder is not None and (folder / prepared.PROOF).exists():
        return np.array(prepared.open_images(folder, (len(table), size))[row])
    with unsaid():
        try:
            return decode(table.sources[row], size)
        except ImageError as error:
            raise DataError(str(error)) from error


def cohort_size(config: DataConfig) -> tuple[float, float]:
    """Images in all and images to train on; of phantoms a guess that draws nothing. Downloads nothing.

    Raises:
        DataError: a data set of real radiographs is not as published.
    """
    if isinstance(config, PhantomConfig):
        images = config.n_patients * IMAGES_PER_PHANTOM_PATIENT
        return images, images * PHANTOM_TRAIN_SHARE
    if isinstance(config, ChestMnistConfig) and config.download and not npz_path(config).exists():
        return N_IMAGES, N_TRAIN
    table = read_table(config)
    return len(table), len(table.rows("train"))
