"""Which files of a folder are films to read, by how they begin and never by their names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cxrkd.errors import ImageError
from cxrkd.images.kinds import JPEG, PNG

HEAD = 4096
"""Bytes that tell what a file is."""
NAMED = 3
"""Names that a sentence about many files repeats."""


@dataclass(frozen=True)
class Folder:
    """What lies below a folder.

    Attributes:
        films: files that begin like a radiograph, in the order of their names.
        others: the other files.
        unopened: folders whose files nobody knows, each with the reason.
    """

    films: tuple[Path, ...]
    others: tuple[Path, ...]
    unopened: tuple[tuple[Path, str], ...] = ()


def films_below(folder: Path) -> Folder:
    """Every film below a folder, in its folders too: scanners and archives make one for each study.

    Hidden files and folders are passed over; links to folders are not followed, since they may lead around in circles.

    Raises:
        ImageError: it is no folder, or may not be opened.
    """
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        raise ImageError(f"{folder} is no folder that can be opened ({error.strerror or error}).") from error
    films: list[Path] = []
    others: list[Path] = []
    unopened: list[tuple[Path, str]] = []
    for path in _files_below(folder, unopened):
        (films if begins_like_film(path) else others).append(path)
    return Folder(tuple(films), tuple(others), tuple(unopened))


def _files_below(folder: Path, unopened: list[tuple[Path, str]]) -> Iterator[Path]:
    """The files below a folder that are not hidden, in the order of their names; what cannot be opened is appended."""

    def skipped(error: OSError) -> None:
        unopened.append((Path(error.filename), error.strerror or str(error)))

    for above, folders, files in os.walk(folder, onerror=skipped):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(above, name) for name in sorted(files) if not name.startswith("."))


def begins_like_film(path: Path) -> bool:
    """Whether a file may be a PNG, a JPEG or DICOM; one that cannot be opened may be, and is asked about by name."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return is_film(file.read(HEAD), os.fstat(file.fileno()).st_size)
    except OSError:
        return True


def is_film(head: bytes, size: int) -> bool:
    """Whether a file of `size` bytes begins like a PNG, a JPEG or DICOM."""
    if head.startswith((PNG, JPEG)):
        return True
    from cxrkd.images.dataset import is_dicom  # pydicom takes a while to import

    return is_dicom(head, size)


def named_in_short(paths: tuple[Path, ...]) -> str:
    """A few names of many files.

    >>> named_in_short(tuple(map(Path, ("a/x.txt", "b.db", "c", "d", "e"))))
    'x.txt, b.db, c and 2 more'
    """
    names = [path.name for path in paths[:NAMED]]
    left = len(paths) - len(names)
    return f"{', '.join(names)} and {left:,} more" if left else ", ".join(names)
