"""Finding the tables and images of a published tree, with one sentence for whatever is not there."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from cxrkd.access.confine import refuse_outside
from cxrkd.errors import DataError
from cxrkd.names import without_image_suffix
from cxrkd.text import shown

Names = dict[tuple[str, str], tuple[str, ...]]
_DRIVE = re.compile(r"[A-Za-z]:/")


def existing_folder(path: Path, name: str) -> Path:
    """`path`, if it is a folder.

    Raises:
        DataError: it is not there, or it is a file.
    """
    refuse_outside(path)
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise DataError(f"{path} {what}; expected the folder that {name} was unpacked into. Check the folder.")
    return path


def find_table(folder: Path, pattern: str, name: str) -> Path:
    """The one file of `folder` whose name fits; the first by name where several versions lie side by side.

    Raises:
        DataError: there is none.
    """
    tables = sorted(folder.glob(pattern))
    if not tables:
        raise DataError(
            f"There is no {pattern} in {folder}; it is part of {name}. Choose the folder that holds it, or fetch it."
        )
    return tables[0]


def inside(folder: Path, names: Iterable[str], rows: Iterable[int], table: Path) -> list[str]:
    """Names of images as a table gives them -> paths below `folder`, with `/` between folders.

    Backslashes, as Windows writes them, separate folders unless a file is really called so; an absolute path must lie
    in the folder.

    Raises:
        DataError: a name leads out of the folder; `rows` are the numbers of the table's rows, for the sentence.
    """
    paths = []
    for name, row in zip(names, rows, strict=True):
        below = _below(folder, name)
        if below is None:
            raise DataError(
                f"{table}, row {row}: {shown(name)} leads out of {folder}. "
                "Expected the path of an image below that folder."
            )
        paths.append(below)
    return paths


def require(paths: Sequence[Path], rows: Iterable[int], table: Path) -> tuple[Path, ...]:
    """Where the images are: `paths`, or the one file beside it whose suffix differs in case or lacks in the table.

    Raises:
        DataError: some are not there (the sentence names up to three and the table that lists them), or two rows name
            one image.
    """
    listing = lru_cache(_listing)  # for this call: folders change
    files = [_present(path, listing) for path in paths]
    missing = [path for path, file in zip(paths, files, strict=True) if file is None]
    if missing:
        near = listing(missing[0].parent).get(_key(missing[0].name), ())
        beside = f" Beside it is {' and '.join(near)}: write names with their suffix." if near else ""
        raise DataError(
            f"{len(missing):,} of {len(paths):,} images that {table} lists are not there (for example "
            f"{', '.join(map(str, missing[:3]))}).{beside} Unpack all archives, or take their rows out of the table."
        )
    first: dict[Path | None, int] = {}
    for path, row in zip(files, rows, strict=True):
        if first.setdefault(path, row) != row:
            raise DataError(f"{table}, rows {first[path]} and {row}: {path} comes twice. Take one of the rows out.")
    present = tuple(path for path in files if path is not None)
    for path in present:
        refuse_outside(path)
    return present


def image_ids(names: Sequence[str]) -> np.ndarray:
    """A name for each image, str (N,): folders joined by hyphens, without the suffix unless names are alike then.

    >>> image_ids(["a/1.png", "a/2.png"]).tolist(), image_ids(["1.png", "1.jpg"]).tolist()
    (['a-1', 'a-2'], ['1.png', '1.jpg'])
    """
    joined = [name.replace("/", "-") for name in names]
    for ids in ([without_image_suffix(name) for name in joined], joined):
        if len(set(ids)) == len(set(names)):
            return np.array(ids)
    return np.array(names)


def _below(folder: Path, name: str) -> str | None:
    """The path below the folder, None where it leads out."""
    slashed = name if "\\" not in name or os.path.isfile(folder / name) else name.replace("\\", "/")
    if slashed.startswith("/"):
        roots = (folder.as_posix(), Path(os.path.realpath(folder)).as_posix())
        slashed = next((slashed[len(root) + 1 :] for root in roots if slashed.startswith(f"{root}/")), slashed)
    below = posixpath.normpath(slashed)
    return None if below.startswith(("/", "../")) or below == ".." or _DRIVE.match(below) else below


def _present(path: Path, listing: Callable[[Path], Names]) -> Path | None:
    """The file, None where there is none or where it could be one of several."""
    if os.path.isfile(path):
        return path
    near = listing(path.parent).get(_key(path.name), ())
    return path.with_name(near[0]) if len(near) == 1 and os.path.isfile(path.with_name(near[0])) else None


def _key(name: str) -> tuple[str, str]:
    name = unicodedata.normalize("NFC", name)
    stem = without_image_suffix(name)
    return stem, name[len(stem) :].lower()


def _listing(folder: Path) -> Names:
    """Files of a folder by name and suffix in lower case; each also as one that is asked for without its suffix."""
    names_of = defaultdict(list)
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        stem, suffix = _key(name)
        for key in {(stem, suffix), (stem, "")}:
            names_of[key].append(name)
    return {key: tuple(names) for key, names in names_of.items()}
