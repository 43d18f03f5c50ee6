"""What several radiologists read on each film: a table with a row for a film and a reader.

    Image_ID,Patient_ID,Reader_ID,Abnormal,Effusion,Pleural_Thickening,Other
    00014525_022.png,14525,reader2,0,NO,YES,NO

The columns of image and reader are told by their names (IMAGE_COLUMNS, READER_COLUMNS), those of findings by
`label_key`; what is no finding that was asked for is left alone, and so are films that were not. A finding is YES or NO
(1 or 0, true or false), or empty where the reader did not judge it. Such a table comes with the expert labels of
Nabulsi et al., Scientific Reports 2021, arXiv 2010.11375.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.data.reading.cells import YES_NO, filled, numbers
from cxrkd.data.reading.tables import read_csv
from cxrkd.errors import DataError
from cxrkd.labels import label_key
from cxrkd.names import without_image_suffix
from cxrkd.text import shown

if TYPE_CHECKING:
    import pandas as pd

IMAGE_COLUMNS = ("image_id", "image", "image_index", "filename", "id")
READER_COLUMNS = ("reader_id", "reader", "radiologist")


@dataclass(frozen=True)
class Readings:
    """What R readers said about K findings on N films.

    Attributes:
        readers: R names, in the order of the alphabet.
        labels: K findings.
        calls: float32 (R, N, K): 1 present, 0 absent, NaN where the reader did not read the film or did not say.
    """

    readers: tuple[str, ...]
    labels: tuple[str, ...]
    calls: np.ndarray = field(repr=False)


def read_readings(path: Path, labels: Sequence[str], ids: Sequence[str]) -> Readings:
    """The readings of a table, for some films and findings.

    Args:
        path: the CSV.
        labels: K findings to look for; one without a column is NaN throughout.
        ids: N names of films, as a run has them.

    Raises:
        DataError: a column, a film or a finding is missing, a cell is not understood, or a reader reads a film twice;
            the sentence says which.
    """
    table = read_csv(path, [])
    image, reader = _column(table, IMAGE_COLUMNS, "the image", path), _column(table, READER_COLUMNS, "the reader", path)
    columns = _finding_columns(table, labels, path)
    rows = _rows_of(filled(table, image, path), ids)
    if (rows < 0).all():
        raise DataError(
            f"{path} has none of the {len(ids)} films in its column {shown(image)}; expected names such as "
            f"{shown(str(ids[0]))}. Choose the table of these films."
        )
    names = filled(table, reader, path)
    _refuse_twice(names, rows, table, path)
    readers, which = np.unique(names[rows >= 0], return_inverse=True)
    judged = numbers(table, list(columns.values()), (0, 1), path, YES_NO)
    calls = np.full((len(readers), len(ids), len(labels)), np.nan, np.float32)
    here = rows >= 0
    for k, label in enumerate(columns):
        calls[which, rows[here], list(labels).index(label)] = judged[here, k]
    return Readings(tuple(readers.tolist()), tuple(labels), calls)


def _column(table: pd.DataFrame, names: Sequence[str], what: str, path: Path) -> str:
    """The one column that has one of the names."""
    meant = [column for column in table.columns if label_key(column) in names]
    if len(meant) != 1:
        came = f"{len(meant)} such columns" if meant else f"the columns {', '.join(map(shown, table.columns[:8]))}"
        raise DataError(f"{path}: expected one column of {what}, called {' or '.join(names)}, got {came}. Rename one.")
    return str(meant[0])


def _finding_columns(table: pd.DataFrame, labels: Sequence[str], path: Path) -> dict[str, str]:
    """Label -> its column, of those that have one."""
    by_key: dict[str, str] = {}
    for column in table.columns:
        other = by_key.setdefault(label_key(column), column)
        if other is not column and label_key(column) in map(label_key, labels):
            raise DataError(f"{path}: the columns {shown(other)} and {shown(column)} are one finding. Take one out.")
    columns = {label: by_key[label_key(label)] for label in labels if label_key(label) in by_key}
    if not columns:
        raise DataError(
            f"{path} has a column of none of the findings {', '.join(map(str, labels))}; its columns begin "
            f"{', '.join(map(shown, table.columns[:8]))}. Choose the table of readers, or name its columns after them."
        )
    return columns


def _rows_of(names: np.ndarray, ids: Sequence[str]) -> np.ndarray:
    """The place in `ids` of each name, int (n,), -1 where it is none of them.

    A name is its whole path with hyphens between folders, as ids are made, or the file's own name where no two paths
    of the table share it; what says the format does not count. Where all ids lie in one folder, the folder may lack:
    published tables name `00000211_006.png` what lies in `images`.
    """
    whole = [without_image_suffix(str(one)) for one in ids]
    folder = _one_folder(whole)
    place = {name.removeprefix(folder): n for n, name in enumerate(whole)}
    place |= {name: n for n, name in enumerate(whole)}
    paths = [str(name).replace("\\", "/") for name in names]
    own = {path: without_image_suffix(path.rpartition("/")[2]) for path in paths}
    once = Counter(own.values())  # over paths: a film has a row for each of its readers
    rows = []
    for path in paths:
        row = place.get(without_image_suffix(path.replace("/", "-")), -1)
        rows.append(place.get(own[path], -1) if row < 0 and once[own[path]] == 1 else row)
    return np.array(rows, int)


def _one_folder(names: Sequence[str]) -> str:
    """What all names begin with, up to a hyphen; empty where nothing is."""
    starts = [names[0][: place + 1] for place, mark in enumerate(names[0]) if mark == "-"]
    return next((start for start in reversed(starts) if all(name.startswith(start) for name in names)), "")


def _refuse_twice(names: np.ndarray, rows: np.ndarray, table: pd.DataFrame, path: Path) -> None:
    first: dict[tuple[str, int], int] = {}
    for name, row, number in zip(names.tolist(), rows.tolist(), table.index, strict=True):
        if row >= 0 and first.setdefault((name, row), number) != number:
            raise DataError(
                f"{path}, rows {first[name, row]} and {number}: {shown(name)} reads one film twice. Take one row out."
            )
