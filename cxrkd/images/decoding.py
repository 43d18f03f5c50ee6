"""Pixel data of a DICOM file -> cells: unsigned integers with every bit that the file holds."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import get_decoder
from pydicom.uid import UID, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from cxrkd.errors import ImageError
from cxrkd.images.codestream import check_codestream
from cxrkd.images.colour import grey_of_grey
from cxrkd.images.counted import Counted
from cxrkd.images.elements import body, state, whole
from cxrkd.images.frames import (
    JPEG,
    JPEG_2000,
    JPEG_LS,
    LOSSLESS_JPEG,
    SOI,
    Frame,
    announced,
    check_size_of_frame,
    is_jpeg_2000,
)
from cxrkd.images.segments import check_segments

ALLOCATED = (1, 8, 16, 32)
# What decodes a frame is chosen by the frame: files name the wrong process. GDCM reads the process of a JPEG from the
# frame too, and pydicom passes it 12 bits, which it reads well, only under the name of a lossless one.
BY_PYDICOM = {JPEG: JPEGLosslessSV1, LOSSLESS_JPEG: JPEGLosslessSV1, JPEG_LS: JPEGLSLossless}


@dataclass(frozen=True, eq=False)
class Cells:
    """Unsigned values (H, W), the bits that the header allocates to each, and what a compressed frame announces."""

    values: np.ndarray
    allocated: int
    frame: Frame | None = None


def cells_of(ds: Dataset, name: str) -> tuple[Cells, tuple[str, ...]]:
    """Decode the one frame of a data set; and notes.

    Raises:
        ImageError: no decoder, colour, another size or number of bytes than the header says.
    """
    syntax = UID(ds.file_meta.TransferSyntaxUID)
    if not syntax.is_transfer_syntax or syntax.is_private:
        raise ImageError(f"{name} names a transfer syntax that is not known here. Export it uncompressed.")
    if not syntax.is_compressed:
        return _native(ds, syntax, name)
    data = next(generate_frames(Counted(body(ds, "PixelData"), name), number_of_frames=1))
    check_parts(data, name)
    frame = announced(data)
    if frame is not None:
        return _framed(ds, syntax, data, frame, name)
    if syntax == RLELossless:
        return _run_lengths(ds, data, name)
    raise ImageError(
        f"{name} is compressed as {syntax.name[:60]}, which is not read. Export it uncompressed or as JPEG 2000."
    )


def check_parts(data: bytes, name: str) -> None:
    """Raise ImageError for a compressed frame of more parts than can be decoded in a reasonable time."""
    if data[:2] == SOI:
        check_segments(data, name)
    elif is_jpeg_2000(data):
        check_codestream(data, name)


def _native(ds: Dataset, syntax: UID, name: str) -> tuple[Cells, tuple[str, ...]]:
    data, n = body(ds, "PixelData"), np.prod(_shape(ds))
    allocated, notes = _allocated(ds, 8 * int(len(data) // n), name)
    expected = -(-int(n) * allocated // 8)
    more = _one_sample(ds, len(data) // expected, name)
    if not expected <= len(data) < 2 * expected:
        raise ImageError(
            f"{name} announces {expected:,} bytes of pixels and has {len(data):,}: it is damaged, or its Rows, Columns "
            "or BitsAllocated are wrong. Export it again."
        )
    surplus = ("more pixel data than announced: the rest left out",) * (len(data) > expected + expected % 2)
    data = data[: expected + expected % 2]
    return Cells(_decode(data, syntax, ds, allocated), allocated), (*notes, *more, *surplus)


def _run_lengths(ds: Dataset, data: bytes, name: str) -> tuple[Cells, tuple[str, ...]]:
    """PS3.5, annex G: a frame begins with the number of its segments, one for each byte of each sample."""
    segments = int.from_bytes(data[:4], "little")
    allocated, notes = _allocated(ds, 8 * segments, name)
    more = _one_sample(ds, 8 * segments // allocated, name)
    rows, columns = _shape(ds)
    if len(data) > 64 + 4 * segments * rows * columns:
        raise ImageError(f"{name} has far more compressed bytes than pixels: it is damaged. Export it again.")
    if 8 * segments != allocated:
        raise ImageError(
            f"{name} has {segments} bytes a pixel in its compressed image and BitsAllocated says {allocated} bits: it "
            "is damaged or in colour. Export it again."
        )
    return Cells(_decode(encapsulate([data]), RLELossless, ds, allocated), allocated), (*notes, *more)


def _framed(ds: Dataset, syntax: UID, data: bytes, frame: Frame, name: str) -> tuple[Cells, tuple[str, ...]]:
    rows, columns = _shape(ds)
    check_size_of_frame(frame, columns, rows, name)
    if frame.bits > 16 or (frame.components != 1 and (frame.components != 3 or frame.bits > 8)):
        raise ImageError(
            f"{name} holds {frame.components} components of {frame.bits} bits as {frame.kind}; a radiograph has one, "
            "of 16 bits at most. Export it uncompressed."
        )
    notes = _one_sample(ds, 1, name)
    allocated, more = _allocated(ds, 8 if frame.bits <= 8 else 16, name)
    if frame.components == 3 or (frame.kind == JPEG and frame.bits == 8):
        cells, odd = _by_pillow(data, frame, name)
    else:
        cells, odd = _by_pydicom(ds, syntax, data, frame, name), ()
    cells = cells & ((1 << frame.bits) - 1)
    return Cells(cells, max(allocated, frame.bits), frame), (*notes, *more, *odd)


def _by_pillow(data: bytes, frame: Frame, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """A frame of 8 bits, or of three components that hold one grey picture."""
    if frame.kind not in (JPEG, JPEG_2000):
        raise ImageError(f"{name} holds colour as {frame.kind}; a radiograph is grey. Export the original series.")
    image = JpegImageFile(io.BytesIO(data)) if frame.kind == JPEG else Jpeg2KImageFile(io.BytesIO(data))
    if frame.components == 1:
        return np.asarray(image), ()
    grey = grey_of_grey(np.asarray(image.convert("RGB")))
    if grey is None:
        raise ImageError(
            f"{name} says that it is grey and holds a picture in colour: a screenshot or a photograph of a film, "
            "perhaps. Export the original series."
        )
    return grey, ("the compressed image has three components, which are one grey picture",)


def _by_pydicom(ds: Dataset, syntax: UID, data: bytes, frame: Frame, name: str) -> np.ndarray:
    if frame.kind == JPEG_2000:
        return _decode(encapsulate([data]), JPEG2000Lossless, ds, frame.bits, frame.signed, "pillow")
    uid = BY_PYDICOM[frame.kind]
    if not get_decoder(uid).available_plugins:
        raise ImageError(
            f"{name} is compressed as {syntax.name[:60]}, which needs a decoder that is not installed. "
            "Export it uncompressed or as JPEG 2000, or install python-gdcm."
        )
    return _decode(encapsulate([data]), uid, ds, frame.bits)


def _decode(data: bytes, uid: UID, ds: Dataset, bits: int, signed: bool = False, plugin: str = "") -> np.ndarray:
    """Samples (H, W) of `bits` bits, as unsigned integers; the header's other words on them are judged elsewhere."""
    rows, columns = _shape(ds)
    options: dict[str, Any] = {"rows": rows, "columns": columns, "samples_per_pixel": 1, "number_of_frames": 1}
    options |= {"bits_allocated": 1 if bits == 1 else max(8, 1 << (bits - 1).bit_length()), "bits_stored": bits}
    options |= {"pixel_representation": int(signed), "photometric_interpretation": "MONOCHROME2"}
    options |= {"pixel_keyword": "PixelData", "pixel_vr": ds.get_item("PixelData").VR or "OW"}
    array, _ = get_decoder(uid).as_array(data, index=0, raw=True, decoding_plugin=plugin, **options)
    return array.astype(array.dtype.newbyteorder("="), copy=False).view(f"u{array.dtype.itemsize}")


def _shape(ds: Dataset) -> tuple[int, int]:
    return whole(ds, "Rows") or 0, whole(ds, "Columns") or 0


def _allocated(ds: Dataset, evident: int, name: str) -> tuple[int, tuple[str, ...]]:
    """BitsAllocated; where it is absent, what the pixel data have."""
    allocated = whole(ds, "BitsAllocated")
    if allocated in ALLOCATED:
        return allocated, ()
    if allocated is None and evident in ALLOCATED:
        return evident, (f"BitsAllocated is {state(ds, 'BitsAllocated')}: {evident} assumed",)
    raise ImageError(
        f"{name} has {'no' if allocated is None else f'{allocated:,} as'} BitsAllocated; 8, 16 or 32 bits a pixel were "
        "expected. Export it again."
    )


def _one_sample(ds: Dataset, evident: int, name: str) -> tuple[str, ...]:
    """Notes on SamplesPerPixel. Raise ImageError where it is not 1 and the pixel data agree."""
    samples = whole(ds, "SamplesPerPixel")
    if samples == 1:
        return ()
    if samples is None or evident == 1:
        return (f"SamplesPerPixel is {state(ds, 'SamplesPerPixel')}: 1 assumed",)
    raise ImageError(f"{name} has {samples:,} samples a pixel; a radiograph has one. Export the original series.")
