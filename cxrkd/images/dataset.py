"""Bytes -> a pydicom data set of the few elements that are needed, with or without the header of a DICOM file.

Only the elements below are ever parsed. Names, dates and numbers of patients are skipped while reading, so they cannot
reach a note, a message, a log or a cache.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, STANDARD_VR

from cxrkd.errors import ImageError
from cxrkd.images.counted import Counted, check_lengths

TAGS = [
    *("Modality", "BodyPartExamined", "ViewPosition", "PresentationIntentType", "PatientOrientation"),
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleIntercept", "RescaleSlope", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence", "PresentationLUTShape"),
    *("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"),
]
PREFIX = b"DICM"
# A data set without header must still come to Rows (0028,0010), so it begins in one of these groups.
FIRST_GROUPS = range(0x0002, 0x0029)
UNDEFINED = 0xFFFFFFFF
# In a damaged file a patient's name can stand where a UID should, and pydicom would warn with it.
config.settings.reading_validation_mode = config.IGNORE
# This many elements in a row that make sense are no chance.
ENOUGH = 4


def parse(data: bytes, name: str) -> Dataset:
    """The data set of a DICOM file, whose `file_meta` names its transfer syntax.

    Raises:
        ImageError: it is deflated, or has more or longer elements than a radiograph. Whatever pydicom raises when it
            is damaged.
    """
    if _declared_syntax(data, name) == DeflatedExplicitVRLittleEndian:
        # Inflating happens while reading the header, before any size can be judged.
        raise ImageError(f"{name} is a deflated DICOM file, which is not read. Export it uncompressed.")
    ds = dcmread(Counted(data, name), force=True, specific_tags=TAGS)
    check_lengths(ds, TAGS, name)
    if not hasattr(ds, "file_meta"):
        ds.file_meta = FileMetaDataset()
    if not ds.file_meta.get("TransferSyntaxUID"):
        implicit, _ = ds.original_encoding
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return ds


def is_dicom(data: bytes, size: int | None = None) -> bool:
    """The DICOM prefix at byte 128, or a data set without it: a few elements in ascending order with true lengths.

    Args:
        data: the file, or its beginning.
        size: of the whole file in bytes, where that is more.
    """
    if data[128:132] == PREFIX:
        return True
    size = len(data) if size is None else size
    return any(_makes_sense(data, size, explicit) for explicit in (True, False))


def _declared_syntax(data: bytes, name: str) -> str:
    """The transfer syntax that the file's header names, read the way pydicom does, without reading on."""
    start = 132 if data[128:132] == PREFIX else 0
    file = Counted(data[start:], name)
    meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, *_: tag >> 16 != 2)
    return str(meta.get("TransferSyntaxUID", ""))


def _makes_sense(data: bytes, size: int, explicit: bool) -> bool:
    first_tags = list(islice(_elements(data, size, explicit), ENOUGH))
    tags = [tag for tag in first_tags if tag is not None]
    return bool(tags) and tags[0] >> 16 in FIRST_GROUPS and first_tags == sorted(set(tags))


def _elements(data: bytes, size: int, explicit: bool) -> Iterator[int | None]:
    """Tags of a data set in little endian from its first byte on; None where one makes no sense.

    Of the beginning of a file, those whose heads it holds: what follows may be as long as the file is.
    """
    at = 0
    while at < len(data):
        if len(data) - at < 12 <= size - at:
            return
        if len(data) - at < 8:
            yield None
            return
        group, element = struct.unpack_from("<HH", data, at)
        # The file header is explicit, whatever follows it.
        length, head = _length(data, at, explicit or group == 2)
        if length == UNDEFINED:
            yield group << 16 | element
            return
        at += head + length
        yield group << 16 | element if head and at <= size else None


def _length(data: bytes, at: int, explicit: bool) -> tuple[int, int]:
    """Length of an element's value and of what stands before it; (0, 0) for one without a VR where there must be."""
    if not explicit:
        return struct.unpack_from("<I", data, at + 4)[0], 8
    vr = data[at + 4 : at + 6].decode("latin-1")
    if vr not in STANDARD_VR:
        return 0, 0
    if vr not in EXPLICIT_VR_LENGTH_32:
        return struct.unpack_from("<H", data, at + 6)[0], 8
    return (struct.unpack_from("<I", data, at + 8)[0], 12) if len(data) - at >= 12 else (0, 0)
