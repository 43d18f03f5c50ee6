"""Compressed frames: those at odds with their header, and those that need python-gdcm."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from cxrkd.errors import ImageError
from cxrkd.images.read import read

FULL = {"WindowCenter": 2048, "WindowWidth": 4096}
EIGHT = {"WindowCenter": 128, "WindowWidth": 256}
TWELVE = {"BitsStored": 12, "HighBit": 11}


def jpeg(picture, **options):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=95, **options)
    return out.getvalue()


def jpeg_2000(picture):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG2000", irreversible=False, no_jp2=True)
    return out.getvalue()


@pytest.fixture
def packed(make):
    """Bytes of a data set whose one frame is this."""

    def build(frame, values, syntax, **tags):
        ds = make.film(values, **tags)
        ds.PixelData = encapsulate([frame])
        ds["PixelData"].VR = "OB"
        return make.write(ds, syntax)

    return build


def overlaid(values, bits):
    """Values with something in the bits above `bits`, as old files keep overlays there."""
    return values | (np.arange(values.size).reshape(values.shape) % 7 << bits).astype(values.dtype)


@pytest.mark.parametrize("kind", ["uncompressed", "RLE", "JPEG 2000", "JPEG-LS"])
def test_bits_above_bits_stored_are_left_out(make, packed, kind):
    values = make.gradient(4095, np.uint16)
    cells = overlaid(values, 12)
    if kind == "uncompressed":
        data = make.dicom(cells, **TWELVE, **FULL)
    elif kind == "JPEG 2000":
        data = packed(jpeg_2000(cells), values, JPEG2000Lossless, **TWELVE, **FULL)
    else:
        if kind == "JPEG-LS":
            pytest.importorskip("jpeg_ls", reason="needs pyjpegls, which makes the file")
        ds = make.film(cells, **FULL)
        ds.compress(RLELossless if kind == "RLE" else JPEGLSLossless)
        ds.BitsStored, ds.HighBit = 12, 11
        data = make.write(ds, ds.file_meta.TransferSyntaxUID)
    r = read(data, "film.dcm")
    np.testing.assert_allclose(r.pixels, values / 4095, atol=1e-6)
    assert "bits outside BitsStored left out" in r.notes


@pytest.mark.parametrize("kind", ["RLE", "JPEG 2000"])
def test_high_bit_counts_in_compressed_cells_too(make, packed, kind):
    values = make.gradient(4095, np.uint16)
    if kind == "JPEG 2000":
        data = packed(jpeg_2000(values << 4), values, JPEG2000Lossless, BitsStored=12, HighBit=15, **FULL)
    else:
        ds = make.film(values << 4, **FULL)
        ds.compress(RLELossless)
        ds.BitsStored, ds.HighBit = 12, 15
        data = make.write(ds, RLELossless)
    np.testing.assert_allclose(read(data, "film.dcm").pixels, values / 4095, atol=1e-6)


def test_signed_pixels_in_run_lengths(make):
    values = (make.gradient(4095, np.int64) - 2048).astype(np.int16)
    ds = make.film(values, **TWELVE, WindowCenter=0, WindowWidth=4096)
    ds.compress(RLELossless)
    r = read(make.write(ds, RLELossless), "film.dcm")
    np.testing.assert_allclose(r.pixels, (values + 2048) / 4095, atol=1e-6)


def test_jpeg_2000_that_disagrees_with_its_header_about_the_sign(make):
    """A file of pydicom: 13 bits without sign in the code stream, PixelRepresentation 1."""
    ds = dcmread(get_testdata_file("J2K_pixelrep_mismatch.dcm"))
    del ds.WindowCenter, ds.WindowWidth
    r = read(make.write(ds, ds.file_meta.TransferSyntaxUID), "film.dcm")
    assert any("disagree about the sign" in note for note in r.notes)
    low, high = np.percentile(ds.pixel_array, [0.5, 99.5])
    np.testing.assert_allclose(r.pixels, np.clip((ds.pixel_array - low) / (high - low), 0, 1), atol=1e-5)


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("kind", ["JPEG", "JPEG 2000"])
def test_three_components_that_are_grey(make, packed, kind, samples):
    grey = make.gradient(255, np.uint8)
    picture = np.dstack([grey] * 3)
    frame, syntax = (jpeg(picture), JPEGBaseline8Bit) if kind == "JPEG" else (jpeg_2000(picture), JPEG2000Lossless)
    r = read(packed(frame, grey, syntax, SamplesPerPixel=samples, **EIGHT), "film.dcm")
    assert np.abs(r.pixels - grey / 255).max() < 0.03
    assert any("three components" in note for note in r.notes)


def test_three_components_in_colour_are_refused(make, packed):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[..., 0] = make.gradient(255, np.uint8)
    with pytest.raises(ImageError, match="holds a picture in colour"):
        read(packed(jpeg(picture), picture[..., 0], JPEGBaseline8Bit, **EIGHT), "film.dcm")


def test_eight_bits_in_a_header_of_twelve(make, packed):
    grey = make.gradient(255, np.uint8)
    data = packed(jpeg(grey), grey.astype(np.uint16), JPEGBaseline8Bit, **TWELVE, **FULL)
    r = read(data, "film.dcm")
    assert np.abs(r.pixels - grey / 255).max() < 0.03
    assert any("8 bits, BitsStored says 12" in note for note in r.notes)


@pytest.mark.parametrize("fill", [1, 2, 5])
def test_fill_bytes_before_markers(make, packed, fill):
    grey = make.gradient(255, np.uint8)
    frame = jpeg(grey)
    plain = read(packed(frame, grey, JPEGBaseline8Bit, **EIGHT), "film.dcm").sha256
    for marker in (b"\xff\xdb", b"\xff\xc0", b"\xff\xc4"):
        filled = frame.replace(marker, b"\xff" * fill + marker, 1)
        assert read(packed(filled, grey, JPEGBaseline8Bit, **EIGHT), "film.dcm").sha256 == plain


def test_progressive_jpeg_is_read(make, packed):
    grey = make.gradient(255, np.uint8)
    r = read(packed(jpeg(grey, progressive=True), grey, JPEGBaseline8Bit, **EIGHT), "film.dcm")
    assert np.abs(r.pixels - grey / 255).max() < 0.03


def test_several_fragments_are_one_frame(make):
    grey = make.gradient(255, np.uint8)
    ds = make.film(grey, **EIGHT)
    ds.PixelData = encapsulate([jpeg(grey)], fragments_per_frame=3)
    ds["PixelData"].VR = "OB"
    assert np.abs(read(make.write(ds, JPEGBaseline8Bit), "film.dcm").pixels - grey / 255).max() < 0.03


def test_run_lengths_of_another_number_of_bytes_are_refused(make):
    ds = make.film(make.gradient(4095, np.uint16), **FULL)
    ds.compress(RLELossless)
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    with pytest.raises(ImageError, match="2 bytes a pixel in its compressed image and BitsAllocated says 8"):
        read(make.write(ds, RLELossless), "film.dcm")


@pytest.mark.parametrize("cut", [0.5, 0.9])
def test_a_cut_frame_is_refused(make, packed, cut):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    frame = jpeg(noise)
    with pytest.raises(ImageError, match="damaged or incomplete"):
        read(packed(frame[: int(len(frame) * cut)], noise, JPEGBaseline8Bit, **EIGHT), "film.dcm")


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEG-lossy.dcm"])
def test_jpeg_of_twelve_bits_is_read_once_python_gdcm_is_there(name):
    """Two of pydicom's own files; the lossless form of the same picture is JPEG-LL.dcm."""
    pytest.importorskip("gdcm", reason="needs python-gdcm")
    path, lossless = (get_testdata_file(file, download=False) for file in (name, "JPEG-LL.dcm"))
    if path is None or lossless is None:
        pytest.skip("needs pydicom-data")
    with open(path, "rb") as lossy, open(lossless, "rb") as exact:
        r, other = read(lossy.read(), name), read(exact.read(), "JPEG-LL.dcm")
    assert r.pixels.shape == other.pixels.shape
    assert np.corrcoef(r.pixels.ravel(), other.pixels.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_jpeg_ls_of_any_bits_with_either_decoder(make, bits, signed):
    pytest.importorskip("jpeg_ls", reason="needs pyjpegls, which makes the file")
    top = 2**bits - 1
    values = make.gradient(top, np.int64) - signed * 2 ** (bits - 1)
    dtype = f"{'i' if signed else 'u'}{1 if bits == 8 else 2}"
    window = {"WindowCenter": 0 if signed else 2 ** (bits - 1), "WindowWidth": top + 1}
    ds = make.film(values.astype(dtype), BitsStored=bits, HighBit=bits - 1, **window)
    ds.compress(JPEGLSLossless)
    r = read(make.write(ds, JPEGLSLossless), "film.dcm")
    np.testing.assert_allclose(r.pixels, make.gradient(top, np.int64) / top, atol=1e-6)
    assert len(r.notes) == 1


def test_what_decodes_a_frame_is_chosen_by_the_frame(make, packed):
    grey = make.gradient(255, np.uint8)
    for syntax in (JPEGLosslessSV1, JPEGExtended12Bit, JPEG2000Lossless):
        assert np.abs(read(packed(jpeg(grey), grey, syntax, **EIGHT), "film.dcm").pixels - grey / 255).max() < 0.03
