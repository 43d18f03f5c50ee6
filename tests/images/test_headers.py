"""Headers in which something is absent, absurd or at odds with the pixels."""

import io
import struct

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cxrkd.errors import ImageError
from cxrkd.images.read import read

FULL = {"WindowCenter": 2048, "WindowWidth": 4096}
TWELVE = {"BitsStored": 12, "HighBit": 11}


def refused(data):
    with pytest.raises(ImageError) as caught:
        read(data, "film.dcm")
    return str(caught.value)


@pytest.mark.parametrize(
    ("texts", "assumed"),
    [
        ({"BitsStored": None}, "BitsStored is absent: 12"),
        ({"BitsStored": None, "HighBit": None}, "BitsStored is absent: 16"),
        ({"BitsStored": b"\x11\x00"}, "BitsStored is of no use: 12"),
        ({"BitsStored": b"\x00\x00"}, "BitsStored is of no use: 12"),
        ({"BitsStored": ""}, "BitsStored is empty or no number: 12"),
        ({"HighBit": None}, "HighBit is absent: 11"),
        ({"HighBit": b"\x07\x00"}, "HighBit is of no use: 11"),
        ({"HighBit": b"\x10\x00"}, "HighBit is of no use: 11"),
        ({"PixelRepresentation": None}, "PixelRepresentation is absent: 0"),
        ({"PixelRepresentation": b"\x07\x00"}, "PixelRepresentation is of no use: 0"),
        ({"SamplesPerPixel": None}, "SamplesPerPixel is absent: 1"),
        ({"SamplesPerPixel": b"\x03\x00"}, "SamplesPerPixel is of no use: 1"),
        ({"BitsAllocated": None}, "BitsAllocated is absent: 16"),
    ],
)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_what_is_clear_all_the_same_is_assumed_and_noted(make, texts, assumed, syntax):
    values = make.gradient(4095, np.uint16)
    ds = make.with_texts(make.film(values, **TWELVE, **FULL), **texts)
    r = read(make.write(ds, syntax), "film.dcm")
    np.testing.assert_allclose(r.pixels, values / 4095, atol=1e-6)
    assert any(assumed in note for note in r.notes)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"BitsAllocated": b"\x0c\x00"}, "has 12 as BitsAllocated"),
        ({"BitsAllocated": b"\x08\x00"}, "announces 3,072 bytes of pixels and has 6,144"),
        ({"BitsAllocated": b"\x20\x00"}, "announces 12,288 bytes of pixels and has 6,144"),
        ({"Rows": b"\x31\x00"}, "announces 6,272 bytes of pixels and has 6,144"),
        ({"Rows": None}, "without an image"),
        ({"Rows": ""}, "at least 32 x 32"),
        ({"PhotometricInterpretation": "MONOCHROME3"}, "stores its pixels as MONOCHROME3"),
        ({"PhotometricInterpretation": ""}, "stores its pixels as nothing that it names"),
        ({"PhotometricInterpretation": None}, "stores its pixels as nothing that it names"),
        ({"PixelData": b""}, "has 0"),
    ],
)
def test_what_is_not_clear_is_refused_by_its_name(make, texts, said):
    ds = make.with_texts(make.film(make.gradient(4095, np.uint16), **TWELVE, **FULL), **texts)
    assert said in refused(make.write(ds))


def test_more_pixel_data_than_announced_is_noted(make):
    values = make.gradient(4095, np.uint16)
    data = make.dicom(values, PixelData=values.tobytes() + bytes(100), **FULL)
    assert "more pixel data than announced: the rest left out" in read(data, "film.dcm").notes


@pytest.mark.parametrize("photometric", ["monochrome2", "MONOCHROME2\0", " Monochrome2 "])
def test_case_and_padding_of_the_photometric_interpretation_do_not_matter(make, photometric):
    values = make.gradient(4095, np.uint16)
    ds = make.with_texts(make.film(values, **FULL), PhotometricInterpretation=photometric)
    np.testing.assert_allclose(read(make.write(ds), "film.dcm").pixels, values / 4095, atol=1e-6)


@pytest.mark.parametrize(("shape", "mono"), [("INVERSE", "MONOCHROME2"), ("IDENTITY", "MONOCHROME1")])
def test_contradicting_polarities_are_noted(make, shape, mono):
    said = "PresentationLUTShape contradicts"
    data = make.dicom(
        make.gradient(4095, np.uint16), PhotometricInterpretation=mono, PresentationLUTShape=shape, **FULL
    )
    assert any(said in note for note in read(data, "film.dcm").notes)
    other = {"INVERSE": "IDENTITY", "IDENTITY": "INVERSE"}[shape]
    data = make.dicom(
        make.gradient(4095, np.uint16), PhotometricInterpretation=mono, PresentationLUTShape=other, **FULL
    )
    assert not any(said in note for note in read(data, "film.dcm").notes)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("stored", "high"), [(12, 11), (12, 15), (12, 13), (10, 15), (16, 15), (8, 15)])
def test_a_value_stands_where_high_bit_says_whatever_the_other_bits_hold(make, stored, high, signed):
    top = 2**stored - 1
    values = make.gradient(top, np.int64) - signed * 2 ** (stored - 1)
    shift = high + 1 - stored
    noise = np.random.default_rng(0).integers(0, 65536, values.shape) & ~(top << shift)
    cells = ((values & top) << shift | noise).astype(np.uint16)
    tags = {"BitsStored": stored, "HighBit": high, "PixelRepresentation": int(signed)}
    window = {"WindowCenter": (0 if signed else 2 ** (stored - 1)), "WindowWidth": top + 1}
    r = read(make.dicom(cells, **tags, **window), "film.dcm")
    np.testing.assert_allclose(r.pixels, make.gradient(top, np.int64) / top, atol=1e-6)
    assert ("bits outside BitsStored left out" in r.notes) == (stored < 16)


def test_a_sign_that_goes_on_above_the_bits_stored_is_no_overlay(make):
    values = (make.gradient(4095, np.int64) - 2048).astype(np.int16)
    r = read(make.dicom(values, **TWELVE, WindowCenter=0, WindowWidth=4096), "film.dcm")
    assert len(r.notes) == 1
    np.testing.assert_allclose(r.pixels, (values + 2048) / 4095, atol=1e-6)


def test_big_endian_films_are_read(make):
    values = make.gradient(4095, np.uint16)
    ds = make.film(values, **FULL)
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    ds.PixelData = values.astype(">u2").tobytes()
    out = io.BytesIO()
    dcmwrite(out, ds, implicit_vr=False, little_endian=False, enforce_file_format=True)
    np.testing.assert_allclose(read(out.getvalue(), "film.dcm").pixels, values / 4095, atol=1e-6)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    "first",
    [
        *((0x0008, 0x0008), (0x0008, 0x0020), (0x0009, 0x0010), (0x0010, 0x0020)),
        *((0x0018, 0x0015), (0x0018, 0x5101), (0x0020, 0x000D), (0x0028, 0x0002)),
    ],
)
def test_a_data_set_without_header_may_begin_anywhere(make, first, implicit):
    values = make.gradient(4095, np.uint16)
    ds = make.film(values, header=False, **FULL)
    for tag in [element.tag for element in ds if (element.tag.group, element.tag.element) < first]:
        del ds[tag]
    ds.add_new(first, ds[first].VR if first in ds else "LO", ds[first].value if first in ds else "X")
    out = io.BytesIO()
    dcmwrite(out, ds, implicit_vr=implicit, little_endian=True)
    assert struct.unpack("<HH", out.getvalue()[:4]) == first
    np.testing.assert_allclose(read(out.getvalue(), "IM1").pixels, values / 4095, atol=1e-6)


def test_a_header_without_transfer_syntax_is_read(make):
    values = make.gradient(4095, np.uint16)
    ds = dcmread(io.BytesIO(make.dicom(values, **FULL)))
    out = io.BytesIO()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta = meta
    dcmwrite(out, ds, implicit_vr=False, little_endian=True)
    np.testing.assert_allclose(read(out.getvalue(), "film.dcm").pixels, values / 4095, atol=1e-6)


@pytest.mark.parametrize("keyword", ["ImageComments", "StudyDescription", "PatientName"])
def test_deflated_is_judged_by_the_transfer_syntax_alone(make, keyword):
    values = make.gradient(4095, np.uint16)
    data = make.dicom(values, **FULL, **{keyword: "was 1.2.840.10008.1.2.1.99"})
    np.testing.assert_allclose(read(data, "film.dcm").pixels, values / 4095, atol=1e-6)


@pytest.mark.parametrize("uid", ["1.2.3.4", "1.2.840.10008.1.2.4.102", "1.2.840.10008.5.1.4.1.1.1"])
def test_a_transfer_syntax_that_is_not_read_is_said(make, uid):
    ds = make.film(make.gradient(4095, np.uint16))
    data = make.write(ds).replace(b"1.2.840.10008.1.2.1\0", uid.encode().ljust(20, b"\0")[:20], 1)
    with pytest.raises(ImageError):
        read(data, "film.dcm")


CHESTS = "CHEST,PORT CHEST,CHEST_PA,CHEST 2V,PORTCHEST,Chest,THORAX,TORAX,TÓRAX,TORACE,LUNG,LUNGS,RIBS,CHEST ABDOMEN"
CHESTS = [*CHESTS.split(","), "THORACIC", "POUMON", "PULMON", "BRUSTKORB", "KLATKA PIERSIOWA", "BODY", "BB", ""]
OTHERS = "HAND,HANDS,L HAND,ABDOMEN,PELVIS,TSPINE,T-SPINE,THORACIC SPINE,KNEE,FOOT,Skull,MANO,RODILLA,GENOU,KNIE"
OTHERS = [*OTHERS.split(","), "LEFT_WRIST", "ABDÔMEN", "EXTREMITY", "HANDGELENK"]


@pytest.mark.parametrize("part", [*CHESTS, *OTHERS])
def test_only_clear_other_parts_are_noted(make, part):
    ds = make.with_texts(make.film(make.gradient(4095, np.uint16), **FULL), BodyPartExamined=part.encode("latin-1"))
    noted = any("another part than the chest" in note for note in read(make.write(ds), "film.dcm").notes)
    assert noted == (part in OTHERS)


@pytest.mark.parametrize(
    ("view", "frontal"),
    [("PA", True), ("AP", True), ("AP SUPINE", True), ("PA_ERECT", True), ("pa", True), ("ANTERO-POSTERIOR", True),
     ("LL", False), ("LATERAL", False), ("RLO", False), ("SPATIAL", False)],
)  # fmt: skip
def test_views_that_are_not_frontal_are_noted(make, view, frontal):
    ds = make.with_texts(make.film(make.gradient(4095, np.uint16), **FULL), ViewPosition=view)
    noted = any("not frontal" in note for note in read(make.write(ds), "film.dcm").notes)
    assert noted != frontal
