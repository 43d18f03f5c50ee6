"""Finding and reading the tables and images of a published tree, with one sentence for whatever is not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cxrkd.errors import DataError


def existing_folder(path: Path, name: str) -> Path:
    """`path`, if it is a folder.

    Raises:
        DataError: it is not there, or it is a file.
    """
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise DataError(f"{path} {what}; expected the folder that {name} was unpacked into. Check the folder.")
    return path


def find_table(folder: Path, pattern: str, name: str) -> Path:
    """The one file of `folder` whose name fits; the first by name where several versions lie side by side.

    Raises:
        DataError: there is none.
    """
    found = sorted(folder.glob(pattern))
    if not found:
        raise DataError(
            f"There is no {pattern} in {folder}; it is part of {name}. Choose the folder that holds it, or fetch it."
        )
    return found[0]


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Every column as text, empty cells as "" (plain or gzipped CSV).

    Raises:
        DataError: the file is missing or not a table, has no rows, or lacks one of `columns`.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise DataError(f"There is no file {path}. Check the folder, or fetch the file again.") from error
    except (OSError, EOFError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as a CSV table ({first}). Fetch it again.") from error
    missing = [column for column in columns if column not in table]
    if missing:
        there = ", ".join(map(repr, table.columns[:8]))
        raise DataError(f"{path} has no column {missing[0]!r}; its columns begin {there}. Choose the published table.")
    if not len(table):
        raise DataError(f"{path} has a header and no rows. Fetch it again.")
    return table


def read_names(path: Path) -> set[str]:
    """The lines of a list of image names.

    Raises:
        DataError: the file is missing or not text.
    """
    try:
        return set(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}); expected a list of image names. Fetch it again.") from error


def require(paths: Sequence[Path], table: Path) -> tuple[Path, ...]:
    """`paths`, if all of them are files.

    Raises:
        DataError: some are not there; the sentence names up to three and the table that lists them.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise DataError(
            f"{len(missing):,} of {len(paths):,} images that {table} lists are not there (for example "
            f"{', '.join(map(str, missing[:3]))}). Unpack all archives, or take their rows out of the table."
        )
    return tuple(paths)


def numbers(table: pd.DataFrame, columns: Sequence[str], allowed: Sequence[float], path: Path) -> np.ndarray:
    """Columns of text as float32 (N, K), "" as NaN.

    Raises:
        DataError: a cell holds something else than `allowed`.
    """
    text = table[list(columns)].apply(lambda column: column.str.strip())
    found = np.array(text.apply(pd.to_numeric, errors="coerce"), np.float32)
    wrong = ~np.isin(found, allowed) & (text != "").to_numpy()
    if wrong.any():
        row, k = np.argwhere(wrong)[0]
        choices = ", ".join(f"{value:g}" for value in allowed)
        raise DataError(
            f"{path}, row {row + 2}, column {columns[k]!r}: expected {choices} or nothing, got {text.iat[row, k]!r}."
        )
    return found
