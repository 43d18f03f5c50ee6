"""DICOM -> grey, in the order of the standard (PS3.3 C.11, PS3.4 N.2): stored values, modality LUT, VOI, polarity.

What is missing or absurd in a header is read as it must be meant where that is clear, with a note that says so.
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from cxrkd.errors import ImageError
from cxrkd.images.aspect import squared
from cxrkd.images.dataset import parse
from cxrkd.images.doubts import doubts
from cxrkd.images.elements import whole, word
from cxrkd.images.limits import check_size, guarded
from cxrkd.images.modality import to_modality
from cxrkd.images.orientation import upright
from cxrkd.images.padding import film_of
from cxrkd.images.stored import stored_values
from cxrkd.images.voi import to_unit


def read_dicom(data: bytes, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Decode one frame of a plain film.

    Returns:
        float32 (H, W) in [0, 1], and notes.

    Raises:
        ImageError: not an image, several frames, colour, too large, a compression without decoder, damaged.
    """
    with guarded(name, "DICOM"):
        ds = parse(data, name)
        check_header(ds, name)
        pixels, notes = _shown(ds, name)
        pixels, made_square = squared(pixels, ds, name)
        pixels, turned = upright(pixels, ds)
        return pixels, (*notes, *made_square, *turned, *doubts(ds))


def check_header(ds: Dataset, name: str) -> None:
    """Raise ImageError unless the header announces one grey frame of a size that can be read."""
    if any(keyword not in ds for keyword in ("Rows", "Columns", "PixelData")):
        raise ImageError(
            f"{name} is a DICOM file without an image (a report or a directory, perhaps), or only looks like one. "
            "Choose the file that holds the radiograph."
        )
    check_size(whole(ds, "Columns") or 0, whole(ds, "Rows") or 0, name)
    frames = whole(ds, "NumberOfFrames")
    if frames not in (None, 0, 1):
        raise ImageError(f"{name} holds {frames:,} frames; one radiograph was expected. Export a single frame.")
    photometric = word(ds, "PhotometricInterpretation")
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ImageError(
            f"{name} stores its pixels as {photometric[:16] or 'nothing that it names'}; a radiograph is MONOCHROME1 "
            "or MONOCHROME2. It may be a screenshot or a photograph of a film: export the original series."
        )


def _shown(ds: Dataset, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The picture as the file wants it to be seen, as it is stored: perhaps turned, perhaps of oblong pixels."""
    stored, notes = stored_values(ds, name)
    film, padded = film_of(ds, stored)
    values, (low, _), rescaled = to_modality(stored, ds, name)
    pixels, seen = to_unit(values, ds, film, negative=low < 0)
    inverted = word(ds, "PhotometricInterpretation") == "MONOCHROME1"
    if inverted:
        pixels = 1 - pixels
        seen = (*seen, "inverted: stored as MONOCHROME1, where low values are bright")
    if film is not None:
        pixels = np.where(film, pixels, np.float32(0))
    return pixels, (*seen, *notes, *rescaled, *padded)
