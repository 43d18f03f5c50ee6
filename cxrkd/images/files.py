"""The one route from the bytes of a file to a film, for command line and pages."""

from __future__ import annotations

from functools import partial

import numpy as np

from cxrkd.images.apart import READING
from cxrkd.images.film import Film, film


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
