"""A folder of images and a CSV of your own.

    image,patient,split,view,Effusion,Mass
    a/001.png,17,train,PA,1,0
    a/002.dcm,18,test,AP,,1

`image` is a path below the folder (PNG, JPEG or DICOM). `patient` is needed: films of one person must not be trained
and tested on; where every film is of another person, repeat the image there. `split` may be absent (70 / 10 / 20 by
patient) or lack val (an eighth of the train patients is taken). `view` may be absent. Every other column is a label:
1 present, 0 absent, nothing unknown; name them in the config where the table has further columns. The config can also
say which column is which. A row without any label is kept: under a teacher a student learns from it, in train.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cxrkd.config import FolderConfig
from cxrkd.data.cohort import SPLITS
from cxrkd.data.readers.files import existing_folder, numbers, read_csv, require
from cxrkd.data.splits import carve_val, split_by_patient
from cxrkd.data.table import ImageTable
from cxrkd.errors import DataError

VAL_SHARE = 0.125


def read(config: FolderConfig) -> ImageTable:
    """The table of a folder; rows are those of the CSV.

    Raises:
        DataError: the table, a column, a value or an image is missing or wrong.
    """
    folder = existing_folder(config.folder, "the data set")
    path = folder / config.table
    table = read_csv(path, (config.image_column, config.patient_column, *config.labels))
    labels = _labels(config, table, path)
    targets = numbers(table, labels, (0, 1), path)
    patients = _filled(table, config.patient_column, path)
    images = _filled(table, config.image_column, path)
    view = table[config.view_column] if config.view_column in table else pd.Series("unknown", index=table.index)
    return ImageTable(
        name=f"{folder.name} ({path.name})",
        labels=labels,
        sources=require([folder / name for name in images], path),
        targets=targets,
        patients=patients,
        ids=np.array(["-".join(Path(name).with_suffix("").parts) for name in images]),
        split=_split(table, config, patients, targets, path),
        views=view.to_numpy(str),
    )


def _labels(config: FolderConfig, table: pd.DataFrame, path: Path) -> tuple[str, ...]:
    """The label columns: those of the config, else every column that has no other meaning."""
    meant = (config.image_column, config.patient_column, config.split_column, config.view_column)
    labels = config.labels or tuple(str(column) for column in table.columns if column not in meant)
    if not labels:
        raise DataError(f"{path} has no label column; add one column a finding, with 1, 0 or nothing for unknown.")
    return labels


def _filled(table: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    """A column of text (N,) without gaps."""
    found = table[column].str.strip().to_numpy(str)
    if (found == "").any():
        row = int(np.flatnonzero(found == "")[0])
        raise DataError(f"{path}, row {row + 2}: the column {column!r} is empty. Fill it in or take the row out.")
    return found


def _split(
    table: pd.DataFrame, config: FolderConfig, patients: np.ndarray, targets: np.ndarray, path: Path
) -> np.ndarray:
    """The table's split with val taken from train where it has none, or one by patient where there is no column."""
    if config.split_column not in table:
        return split_by_patient(patients, config.seed, targets=targets)
    found = _filled(table, config.split_column, path).astype("<U5")
    wrong = sorted(set(found.tolist()) - set(SPLITS))
    if wrong:
        raise DataError(f"{path}, column {config.split_column!r}: expected {', '.join(SPLITS)}, got {wrong[0]!r}.")
    if not (found == "val").any():
        train = found == "train"
        found[train] = carve_val(patients[train], config.seed, VAL_SHARE, targets[train])
    return found
