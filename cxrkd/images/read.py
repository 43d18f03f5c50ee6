"""The one way in: bytes and a file name -> a radiograph, or an ImageError with one sentence."""

from __future__ import annotations

import numpy as np

from cxrkd.errors import ImageError
from cxrkd.images.dataset import is_dicom
from cxrkd.images.dicom import read_dicom
from cxrkd.images.kinds import JPEG, PNG, describe
from cxrkd.images.limits import check_bytes, check_content
from cxrkd.images.radiograph import Radiograph, radiograph
from cxrkd.images.raster import read_raster

ACCEPTED = "PNG (8 or 16 bit), JPEG or DICOM"


def read(data: bytes, name: str) -> Radiograph:
    """Read one radiograph. What the file is, is judged by its content; the name is only repeated.

    Args:
        data: the whole file.
        name: the file name that the user gave.

    Returns:
        The image in grey, with notes on what was done to its values.

    Raises:
        ImageError: whatever is wrong with the file, in one sentence that names it.
    """
    check_bytes(data, name)
    # Hostile rescale values overflow on the way; `check_content` judges the outcome.
    with np.errstate(all="ignore"):
        pixels, notes, colour = _decode(data, name)
    check_content(pixels, name)
    return radiograph(pixels, name, notes, colour)


def _decode(data: bytes, name: str) -> tuple[np.ndarray, tuple[str, ...], float]:
    if data.startswith(PNG):
        return read_raster(data, "PNG", name)
    if data.startswith(JPEG):
        return read_raster(data, "JPEG", name)
    if is_dicom(data):
        return *read_dicom(data, name), 0.0
    what, todo = describe(data)
    raise ImageError(f"{name} is {what}. Expected a radiograph as {ACCEPTED}. {todo}.")
