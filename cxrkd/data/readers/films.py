"""A folder of films and nothing else: no table, so that nothing is known of them. To be looked at, not learned from.

Films are PNG, JPEG or DICOM, in the folder or below it; DICOM files may have any name. Whose they are is not known
either: each counts as another patient's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np

from cxrkd.access.confine import refuse_outside
from cxrkd.config import READERS, FilesSettings, Reader
from cxrkd.data.cohort import Cohort
from cxrkd.data.image_files import ImageFiles
from cxrkd.data.reading.files import existing_folder, image_ids
from cxrkd.errors import DataError
from cxrkd.names import without_image_suffix
from cxrkd.progress import Progress

STRANGERS = "Whose films these are is not known: each counts as another patient's."
_MAGIC, _AT = b"DICM", 128


class FilmsConfig(FilesSettings):
    """Films of your own without a table."""

    kind: Literal["films"] = "films"


def read(config: FilmsConfig, progress: Progress | None = None) -> Cohort:
    """Every film of a folder, by its path.

    Raises:
        DataError: the folder is not there, or holds no film.
    """
    folder = existing_folder(config.folder, "the films")
    names = [path.relative_to(folder).as_posix() for path in _films(folder)]
    if not names:
        raise DataError(f"{folder} holds no film. Expected PNG, JPEG or DICOM files in it or below it.")
    ids, n = image_ids(names), len(names)
    return Cohort(
        name=folder.name,
        labels=(),
        targets=np.empty((n, 0), np.float32),
        patients=ids,
        ids=ids,
        split=np.full(n, "test"),
        views=np.full(n, "unknown"),
        pixels=ImageFiles(ids, tuple(folder / name for name in names), config.image_size),
        notes=(STRANGERS,),
        split_drawn=True,
    )


def _films(folder: Path) -> list[Path]:
    """Files that are films by their name or by how they begin, in order; hidden ones are none."""
    films = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(place, name) for name in files if not name.startswith(".")]
        films += [path for path in paths if _is_film(path)]
    return sorted(films)


def _is_film(path: Path) -> bool:
    if not path.is_file():
        return False
    refuse_outside(path)
    if without_image_suffix(path.name) != path.name:
        return True
    with path.open("rb") as file:
        return file.read(_AT + len(_MAGIC))[_AT:] == _MAGIC


READERS.register(
    Reader(
        name="films",
        title="A folder of films without a table",
        sentence="Films of your own of which nothing is known: they can be audited, not measured and not learned from.",
        source="yours",
        config=FilmsConfig,
        read=read,
        trains=False,
    )
)
