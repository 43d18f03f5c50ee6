"""Files that the tests write themselves: PNG and JPEG through Pillow, DICOM through pydicom."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian


def encode(picture, kind="PNG", **options):
    """Bytes of an array or a Pillow image."""
    out = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(out, kind, **options)
    return out.getvalue()


def gradient(top, dtype, height=48, width=64):
    """Left to right from 0 to `top`, every row the same."""
    return np.tile(np.linspace(0, top, width).round().astype(dtype), (height, 1))


def film(values, *, header=True, **tags):
    """A data set of one grey frame that carries a patient's name; `tags` overwrite or, when None, remove."""
    ds = Dataset()
    if header:
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = ComputedRadiographyImageStorage, "1.2.826.0.1.3680043.8.498.1"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Doe^Jane", "MRN-4711", "19500101"
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "CR", "CHEST", "PA"
    ds.Rows, ds.Columns = values.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8 * values.itemsize
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(values.dtype.kind == "i")
    ds.PixelData = values.tobytes()
    ds["PixelData"].VR = "OW"
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    return ds


def write(ds, syntax=ExplicitVRLittleEndian):
    """Bytes of a data set with a header."""
    out = io.BytesIO()
    ds.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(out, ds, enforce_file_format=True, implicit_vr=syntax.is_implicit_VR, little_endian=True)
    return out.getvalue()


def with_texts(ds, **texts):
    """A data set with elements of exactly these bytes or texts, which pydicom would not write; None removes one."""
    for keyword, text in texts.items():
        tag = Tag(tag_for_keyword(keyword))
        ds._dict.pop(tag, None)
        if isinstance(text, list):
            setattr(ds, keyword, text)
        elif text is not None:
            value = text if isinstance(text, bytes) else text.encode()
            value += b" " * (len(value) % 2)
            ds._dict[tag] = RawDataElement(tag, dictionary_VR(tag)[:2], len(value), value, 0, False, True)
    return ds


def dicom(values, *, header=True, implicit=False, **tags):
    """Bytes of `film(...)`; `header=False` leaves out preamble, prefix and file meta."""
    out = io.BytesIO()
    ds = film(values, header=header, **tags)
    if header:
        pydicom.dcmwrite(out, ds, enforce_file_format=True)
    else:
        pydicom.dcmwrite(out, ds, implicit_vr=implicit, little_endian=True)
    return out.getvalue()


@pytest.fixture(scope="session")
def make():
    """The builders above, since test modules cannot import one another."""
    return SimpleNamespace(encode=encode, gradient=gradient, film=film, dicom=dicom, write=write, with_texts=with_texts)


@pytest.fixture(scope="session")
def rg1():
    """The real chest film of `pydicom-data` by transfer syntax: bytes of RG1_UNCI, UNCR, J2KI, J2KR."""
    pytest.importorskip("data_store", reason="needs pydicom-data")
    kinds = ("UNCI", "UNCR", "J2KI", "J2KR")
    return {kind: Path(get_testdata_file(f"RG1_{kind}.dcm", download=False)).read_bytes() for kind in kinds}


@pytest.fixture
def decoders(monkeypatch):
    """The calls of every decoder, which are kept from decoding; an exception would only become a sentence."""
    calls = []

    def decode(*args, **_options):
        calls.append(args)
        raise RuntimeError

    for name in ("PIL.ImageFile.ImageFile.load", "pydicom.pixels.decoders.base.Decoder.as_array", "cv2.imdecode"):
        monkeypatch.setattr(name, decode)
    return calls
