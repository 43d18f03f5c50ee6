"""The one route from the bytes of a file to a film, for command line and pages."""

from __future__ import annotations

import errno
from functools import partial
from pathlib import Path

import numpy as np

from cxrkd.errors import ImageError, NotNowError
from cxrkd.images.apart import READING
from cxrkd.images.film import Film, film
from cxrkd.images.limits import MAX_BYTES

_OF_THE_FILE = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV)


def film_of(data: bytes, name: str, size: int, *, apart: bool = False) -> Film:
    """A file as a film: read, judged by the gate and brought to the side of the networks.

    Args:
        data: the whole file. The film keeps it, since the whole picture is read from it when somebody asks.
        name: the file name that the user gave.
        size: S, side of the networks' input.
        apart: decode in a process of its own, with a limit of time and of memory; what comes is the same bit for bit.

    Raises:
        ImageError: whatever is wrong with the file, in one sentence that names it.
        GateError: the coefficients of the gate are missing or damaged.
    """
    if apart:
        return READING.read(data, name, size)
    from cxrkd.images.read import read  # pydicom takes a while to import, and here it is not needed before

    return film(read(data, name), size, partial(_whole, data, name))


def _whole(data: bytes, name: str) -> np.ndarray:
    from cxrkd.images.read import read

    return read(data, name).pixels


def bytes_of(path: Path) -> bytes:
    """The content of a file, as far as one that is too large can be told from one that is not.

    Raises:
        ImageError: it is not there, or cannot be opened.
        NotNowError: the disk or the share does not give it now.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {path}; check the path.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{path} is a folder; name the files in it, for example with a wildcard.") from error
    except OSError as error:
        if error.errno in _OF_THE_FILE:
            raise ImageError(f"{path} cannot be opened ({error.strerror}); check its permissions.") from error
        raise NotNowError(f"{path} cannot be read now ({error.strerror}); check the disk or the share.") from error
