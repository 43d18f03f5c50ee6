"""DICOM -> grey, in the order of the standard (PS3.3 C.11, PS3.4 N.2): stored values, modality LUT, window, polarity.

Only the elements below are ever parsed. Names, dates and numbers of patients are skipped while reading, so they cannot
reach a note, a message, a log or a cache.
"""

from __future__ import annotations

import io

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, get_decoder, pixel_array
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cxrkd.errors import ImageError
from cxrkd.images.frames import check_frame
from cxrkd.images.limits import check_size, guarded
from cxrkd.images.windows import to_unit

TAGS = [
    *("Modality", "BodyPartExamined", "ViewPosition", "PresentationIntentType"),
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
    *("RescaleIntercept", "RescaleSlope", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
]
PLAIN_FILMS = ("CR", "DX", "RG")
FRONTAL = ("", "PA", "AP")
CHEST = ("", "CHEST", "THORAX")
# Inflating happens while reading the header, before any size can be judged.
DEFLATED = b"1.2.840.10008.1.2.1.99"


def read_dicom(data: bytes, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Decode one frame of a plain film.

    Returns:
        float32 (H, W) in [0, 1], and notes.

    Raises:
        ImageError: not an image, several frames, colour, too large, a compression without decoder, damaged.
    """
    with guarded(name, "DICOM"):
        if DEFLATED in data:
            raise ImageError(f"{name} is a deflated DICOM file, which is not read. Export it uncompressed.")
        ds = dcmread(io.BytesIO(data), force=True, specific_tags=TAGS)
        check_header(ds, name)
        _complete_header(ds)
        values = apply_modality_lut(_stored_values(ds, name), ds)
        pixels, notes = to_unit(values, ds)
        if ds.PhotometricInterpretation == "MONOCHROME1":
            pixels, notes = 1 - pixels, (*notes, "inverted: stored as MONOCHROME1, where low values are bright")
        return pixels, (*notes, *_doubts(ds))


def check_header(ds: Dataset, name: str) -> None:
    """Raise ImageError unless the header announces one grey frame of a size that can be read."""
    if any(keyword not in ds for keyword in ("Rows", "Columns", "PhotometricInterpretation", "PixelData")):
        raise ImageError(
            f"{name} is a DICOM file without an image (a report or a directory, perhaps), or only looks like one. "
            "Choose the file that holds the radiograph."
        )
    check_size(int(ds.Columns), int(ds.Rows), name)
    frames = int(ds.get("NumberOfFrames") or 1)
    if frames != 1:
        raise ImageError(f"{name} holds {frames:,} frames; one radiograph was expected. Export a single frame.")
    if ds.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2"):
        raise ImageError(
            f"{name} stores its pixels as {str(ds.PhotometricInterpretation)[:16]}; a radiograph is MONOCHROME1 or "
            "MONOCHROME2. It may be a screenshot or a photograph of a film: export the original series."
        )


def _complete_header(ds: Dataset) -> None:
    """Name the encoding of a data set without file header, as pydicom found it."""
    if not hasattr(ds, "file_meta"):
        ds.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in ds.file_meta:
        implicit, _ = ds.original_encoding
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _stored_values(ds: Dataset, name: str) -> np.ndarray:
    """Integers (H, W) as stored. Pillow decodes where it can; other plugins of pydicom serve what it cannot."""
    syntax = ds.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        return pixel_array(ds)
    try:
        plugins = get_decoder(syntax).available_plugins
    except NotImplementedError:
        plugins = ()
    if not plugins:
        raise ImageError(
            f"{name} is compressed as {syntax.name[:60]}, which needs a decoder that is not installed. "
            "Export it uncompressed or as JPEG 2000, or install python-gdcm."
        )
    check_frame(ds, name)
    return pixel_array(ds, decoding_plugin="pillow" if "pillow" in plugins else "")


def _doubts(ds: Dataset) -> tuple[str, ...]:
    """Why the answer may mean little. Values of the tags are not repeated: they are free text in many files."""
    doubts = {
        "the file says that it is not a plain film (CR or DX)": ds.get("Modality") not in PLAIN_FILMS,
        "the file says that it shows another part than the chest": _word(ds, "BodyPartExamined") not in CHEST,
        "the file says that the view is not frontal; models know PA and AP": _word(ds, "ViewPosition") not in FRONTAL,
        "raw detector values meant for processing": _word(ds, "PresentationIntentType") == "FOR PROCESSING",
    }
    return tuple(text for text, holds in doubts.items() if holds)


def _word(ds: Dataset, keyword: str) -> str:
    return str(ds.get(keyword) or "").strip().upper()
