"""Every file that is not a radiograph gets one sentence, and nothing of it is decoded that need not be."""

import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from cxrkd.errors import ImageError
from cxrkd.images import limits as limits_module
from cxrkd.images.limits import MAX_BYTES
from cxrkd.images.read import read


def refused(data, name="upload.png"):
    with pytest.raises(ImageError) as caught:
        read(data, name)
    said = str(caught.value)
    assert said.startswith(name)
    assert said.endswith(".")
    assert "\n" not in said
    assert "Traceback" not in said
    assert len(said) < 300
    return said


def png_header(width, height, depth=8):
    """A PNG that announces a size and has (nearly) no pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("film.txt", "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"Name,Finding\nfilm.png,Effusion\n", "text file"),
        ("Röntgenbefund: unauffällig".encode() * 500, "text file"),
        (archive(), "ZIP archive"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF document"),
        (b"\x1f\x8b\x08\x00abc", "gzip"),
        (b"II*\x00\x08\x00\x00\x00", "TIFF"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "WebP"),
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
        (b"\x93NUMPY\x01\x00", "NumPy array"),
        (b"\x07\x9a\xff\xfe" * 100, "not known here"),
        (b"\x89PNG\r\n\x1a\n", "damaged or incomplete"),
        (b"\xff\xd8\xff", "damaged or incomplete"),
        (bytes(128) + b"DICM", "DICOM file without an image"),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", "DICOM file without an image"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_of_another_kind_is_named(data, said):
    assert said in refused(data)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "WEBP"])
def test_pictures_of_other_formats_are_named(make, kind):
    assert kind.lower() in refused(make.encode(make.gradient(255, np.uint8), kind)).lower()


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_animations_are_refused(make, kind):
    frames = [Image.fromarray(make.gradient(top, np.uint8)) for top in (255, 200, 100)]
    said = refused(make.encode(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert "GIF" in said if kind == "GIF" else "animation of 3 frames" in said


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_pictures_are_refused(make, kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    data = make.encode(noise, kind)
    assert "damaged or incomplete" in refused(data[: int(len(data) * share)])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated_dicom_is_refused(make, share):
    data = make.dicom(np.random.default_rng(0).integers(0, 4096, (100, 100), dtype=np.uint16))
    assert refused(data[: int(len(data) * share)], "film.dcm")


def test_nothing_is_read_leniently(make):
    """A global Pillow flag would make truncated films grey at the bottom, for all threads."""
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    read(make.encode(make.gradient(255, np.uint8)), "film.png")
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    assert Image.MAX_IMAGE_PIXELS is not None


def test_the_watch_on_the_decoders_sees_them(make, decoders):
    assert "damaged" in refused(make.encode(make.gradient(255, np.uint8)))
    assert "damaged" in refused(make.dicom(make.gradient(255, np.uint8)), "film.dcm")
    assert len(decoders) == 2


def test_a_png_of_30000_a_side_is_refused_from_its_header_without_memory(decoders):
    for depth in (8, 16):
        data = png_header(30_000, 30_000, depth)
        tracemalloc.start()
        said = refused(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert "30,000 x 30,000" in said
        assert "900 megapixels" in said
        assert peak < 2_000_000
    assert not decoders


def test_a_jpeg_and_a_dicom_of_30000_a_side_are_refused_from_their_headers(make, decoders):
    jpeg = bytearray(make.encode(make.gradient(255, np.uint8), "JPEG"))
    start = jpeg.index(b"\xff\xc0")
    jpeg[start + 5 : start + 9] = struct.pack(">HH", 30_000, 30_000)
    assert "30,000 x 30,000" in refused(bytes(jpeg))
    film = make.dicom(make.gradient(4095, np.uint16), Rows=30_000, Columns=30_000)
    assert "30,000 x 30,000" in refused(film, "film.dcm")
    assert not decoders


def test_a_compressed_frame_that_is_larger_than_its_header_is_refused(rg1, decoders):
    data = rg1["J2KI"]
    rows, columns = struct.pack("<H", 1955), struct.pack("<H", 1841)
    small = data.replace(b"\x28\x00\x10\x00US\x02\x00" + rows, b"\x28\x00\x10\x00US\x02\x00" + struct.pack("<H", 64))
    small = small.replace(
        b"\x28\x00\x11\x00US\x02\x00" + columns, b"\x28\x00\x11\x00US\x02\x00" + struct.pack("<H", 64)
    )
    assert "announces 64 x 64 pixels but its compressed image has 1,841 x 1,955" in refused(small, "film.dcm")
    assert not decoders


def test_a_deflated_dicom_is_refused_before_it_can_inflate(make, monkeypatch):
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    ds = make.film(make.gradient(4095, np.uint16))
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    inflated = []
    monkeypatch.setattr("zlib.decompress", inflated.append)
    monkeypatch.setattr("zlib.decompressobj", inflated.append)
    assert "deflated" in refused(out.getvalue(), "film.dcm")
    assert not inflated


def test_too_many_bytes_are_refused(make, monkeypatch):
    monkeypatch.setattr(limits_module, "MAX_BYTES", 1000)
    assert MAX_BYTES > 1000
    assert "more than 0 MB" in refused(make.encode(np.random.default_rng(0).integers(0, 255, (99, 99), dtype=np.uint8)))


@pytest.mark.parametrize("shape", [(1, 1), (31, 200), (200, 31)])
def test_tiny_images_are_refused(make, shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert f"{shape[1]} x {shape[0]} pixels; at least 32 x 32" in refused(make.encode(noise))
    assert "at least 32 x 32" in refused(make.dicom(noise.astype(np.uint16)), "film.dcm")


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_blank_images_are_refused(make, value):
    blank = np.full((64, 64), value, np.uint16)
    assert "blank" in refused(make.encode(blank))
    assert "blank" in refused(make.encode((blank % 256).astype(np.uint8)))
    assert "blank" in refused(make.dicom(blank), "film.dcm")
    assert "blank" in refused(make.dicom(blank, WindowCenter=500, WindowWidth=1000), "film.dcm")
