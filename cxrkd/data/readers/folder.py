"""A folder of images and a CSV of your own.

    image,patient,split,view,Effusion,Mass
    a/001.png,17,train,PA,1,0
    a/002.dcm,18,test,AP,,1

`image` is a path below the folder (PNG, JPEG or DICOM). `patient` is needed: films of one person must not be trained
and tested on; where every film is of another person, repeat the image there. `split` may be absent (70 / 10 / 20 by
patient) or lack val (an eighth of the train patients is taken). `view` may be absent. Every other column is a label:
1 (1.0, True) present, 0 absent, nothing (NaN, NA) unknown; name them in the config where the table has further columns.
The config can also say which column is which. A row without any label is kept: under a teacher a student learns
from it, in train.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from cxrkd.config import READERS, FilesSettings, Reader
from cxrkd.config.hints import hints
from cxrkd.data.cohort import Cohort
from cxrkd.data.image_files import ImageFiles
from cxrkd.data.reading.cells import filled, numbers, patients, splits
from cxrkd.data.reading.files import existing_folder, image_ids, inside, require
from cxrkd.data.reading.tables import read_csv, repeated, unnamed
from cxrkd.data.splits import carve_val, split_by_patient
from cxrkd.errors import DataError
from cxrkd.progress import Progress
from cxrkd.text import shown

if TYPE_CHECKING:
    import pandas as pd

VAL_SHARE = 0.125


class FolderConfig(FilesSettings):
    """Images and a CSV of your own: a row an image, a column a label with 1, 0 or nothing for unknown."""

    kind: Literal["folder"] = "folder"
    seed: int = Field(
        0,
        ge=0,
        title="Seed of the split",
        description="unused where the table has all three splits",
        json_schema_extra=hints(flag="--data-seed"),
    )
    table: Path = Field(Path("labels.csv"), title="CSV file", description="in the folder, or an absolute path")
    image_column: str = Field("image", title="Column of the image", description="path below the folder")
    patient_column: str = Field("patient", title="Column of the patient", description="the unit of the split")
    split_column: str = Field("split", title="Column of the split", description="train, val or test; may be absent")
    view_column: str = Field("view", title="Column of the view", description="PA or AP; may be absent")
    labels: tuple[str, ...] = Field(
        (),
        title="Label columns",
        description="none takes every column not named above",
        json_schema_extra=hints(flag="--label-columns"),
    )


def read(config: FolderConfig, progress: Progress | None = None) -> Cohort:
    """The table of a folder; rows are those of the CSV.

    Raises:
        DataError: the table, a column, a value or an image is missing or wrong.
    """
    folder = existing_folder(config.folder, "the data set")
    path = folder / config.table
    table = read_csv(path, (*_named(config), *config.labels), (config.split_column, config.view_column))
    labels = _labels(config, table, path)
    targets = numbers(table, labels, (0, 1), path)
    whose, notes = patients(table, config.patient_column, path)
    images = inside(folder, filled(table, config.image_column, path), table.index, path)
    sources = require([folder / name for name in images], table.index, path)
    ids = image_ids(images)
    return Cohort(
        name=f"{folder.name} ({path.name})",
        labels=labels,
        targets=targets,
        patients=whose,
        ids=ids,
        split=_split(table, config, whose, targets, path),
        views=_views(table, config, path),
        pixels=ImageFiles(ids, sources, config.image_size),
        notes=notes,
        split_drawn=config.split_column not in table,
    )


def _named(config: FolderConfig) -> list[str]:
    """The columns that must be there: image, patient, and those that the config calls otherwise than the defaults."""
    optional = [
        getattr(config, name)
        for name in ("split_column", "view_column")
        if getattr(config, name) != FolderConfig.model_fields[name].default
    ]
    return [config.image_column, config.patient_column, *optional]


def _labels(config: FolderConfig, table: pd.DataFrame, path: Path) -> tuple[str, ...]:
    """The label columns: those of the config, else every column that has no other meaning."""
    if config.labels:
        return config.labels
    meant = (config.image_column, config.patient_column, config.split_column, config.view_column)
    header = table.columns.tolist()
    labels = tuple(column for column in header if column not in meant)
    if not labels:
        raise DataError(f"{path} has no label column; add one column a finding, with 1, 0 or nothing for unknown.")
    twice, nameless = repeated(header), [header.index(name) + 1 for name in labels if unnamed(name)]
    if nameless:
        raise DataError(f"{path}: column {nameless[0]} has cells and no name. Name it, or take it out.")
    if twice is not None:
        raise DataError(
            f"{path}: {shown(twice)} is a second column of one name. "
            "Rename one or take it out, or name the label columns."
        )
    return labels


def _split(table: pd.DataFrame, config: FolderConfig, whose: np.ndarray, targets: np.ndarray, path: Path) -> np.ndarray:
    """The table's split with val taken from train where it has none, or one by patient where there is no column."""
    if config.split_column not in table:
        return split_by_patient(whose, config.seed, targets=targets)
    split = splits(table, config.split_column, path)
    train = split == "train"
    if train.any() and not (split == "val").any():
        split[train] = carve_val(whose[train], config.seed, VAL_SHARE, targets[train])
    return split


def _views(table: pd.DataFrame, config: FolderConfig, path: Path) -> np.ndarray:
    if config.view_column not in table:
        return np.full(len(table), "unknown")
    return filled(table, config.view_column, path, empty="unknown")


READERS.register(
    Reader(
        name="folder",
        title="A folder of images with a CSV",
        sentence="Images of your own, PNG, JPEG or DICOM, and a table with a row an image and a column a finding.",
        source="yours",
        needs=("a CSV with image and patient",),
        config=FolderConfig,
        read=read,
    )
)
