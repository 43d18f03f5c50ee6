"""Arrays inside a compressed `.npz`, image by image: the largest ChestMNIST file does not fit into memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from cxrkd.errors import DataError

_SKIP = 1 << 20


def array_shape(path: Path, array: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of one array, from its header alone.

    Raises:
        DataError: the file or the array is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as file, file.open(f"{array}.npy") as stream:
            return _header(stream)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} has no readable array {array} ({error}). Fetch the file again.") from error


def images(path: Path, array: str, first: int = 0) -> Iterator[np.ndarray]:
    """Images (h, w) of an array (n, h, w) from index `first` on, read as a stream.

    Raises:
        DataError: the file or the array is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as file, file.open(f"{array}.npy") as stream:
            shape, dtype = _header(stream)
            size = int(np.prod(shape[1:])) * dtype.itemsize
            _skip(stream, first * size)
            for _ in range(first, shape[0]):
                yield np.frombuffer(stream.read(size), dtype).reshape(shape[1:])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}, array {array}, is damaged ({error}). Fetch the file again.") from error


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    major, _ = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if fortran and len(shape) > 1:
        raise ValueError("its rows are stored column by column")
    return shape, dtype


def _skip(stream: IO[bytes], n: int) -> None:
    """Read on: a compressed stream has no other way forward."""
    while n > 0:
        n -= len(stream.read(min(n, _SKIP))) or n
