"""Small files whose decoding would be long or large: their parts are counted first, and they get a sentence."""

import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from cxrkd.errors import ImageError
from cxrkd.images import chunks, counted, segments, voi, windows
from cxrkd.images.read import read

PREFIX = bytes(128) + b"DICM"
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)


def refused(data, name="upload.dcm"):
    with pytest.raises(ImageError) as caught:
        read(data, name)
    said = str(caught.value)
    assert said.startswith(name)
    assert len(said) < 300
    return said


def chunk(kind, body=b""):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def in_png(make, extra, picture=NOISE):
    """A PNG with more chunks behind its header."""
    data = make.encode(picture)
    return data[:33] + extra + data[33:]


def segment(code, body=b""):
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def with_scans(make, n):
    """A progressive JPEG whose last scan, a pass that refines all coefficients by one bit, comes n times more."""
    data = make.encode(NOISE, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + n * last + data[-2:]


def compressed(make, frame, syntax, **tags):
    """A DICOM file that holds one compressed frame of 64 x 64 pixels."""
    ds = make.film(NOISE, **tags)
    ds.PixelData = frame if isinstance(frame, bytes) and frame[:4] == b"\xfe\xff\x00\xe0" else encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return make.write(ds, syntax)


# PNG


def test_a_png_of_many_chunks(make, decoders):
    said = refused(in_png(make, chunk(b"tEXt", b"a\0b") * (chunks.MAX_OTHERS + 1)))
    assert "chunks or more" in said
    refused(in_png(make, chunk(b"IDAT") * (chunks.MAX_CHUNKS + 1)))
    assert not decoders


@pytest.mark.parametrize("length", [2**32 - 1, 2**31 - 1, 50_000_000])
@pytest.mark.parametrize("picture", [NOISE, NOISE.astype(np.uint16) << 8], ids=["8 bit", "16 bit"])
def test_a_png_whose_pixels_are_longer_than_the_file(make, decoders, picture, length):
    data = make.encode(picture)
    at = data.index(b"IDAT")
    assert "decoded to its end" in refused(data[: at - 4] + struct.pack(">I", length) + data[at:], "upload.png")
    assert not decoders, "a decoder makes room for what is announced"


def test_a_png_with_some_chunks_is_read(make):
    few = chunk(b"tEXt", b"a\0b") * 100
    np.testing.assert_array_equal(read(in_png(make, few), "a.png").pixels, read(make.encode(NOISE), "a.png").pixels)


def test_a_png_that_cannot_be_as_large_as_it_announces(make, decoders):
    data = bytearray(make.encode(make.gradient(255, np.uint8)))
    data[16:24] = struct.pack(">II", 6000, 6000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    assert "damaged or incomplete" in refused(bytes(data))
    assert not decoders


@pytest.mark.parametrize(("shape", "dtype"), [((1500, 1500), np.uint8), ((900, 1200), np.uint16)])
def test_the_emptiest_png_is_not_taken_for_one_that_is_cut(make, shape, dtype):
    film = np.zeros(shape, dtype)
    film[:200] = np.iinfo(dtype).max
    assert read(make.encode(film, compress_level=9), "a.png").pixels.shape == shape


def test_a_png_of_two_headers(make, decoders):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    assert "damaged" in refused(in_png(make, header))
    assert not decoders


# JPEG


def test_a_jpeg_of_many_scans(make, decoders):
    said = refused(with_scans(make, segments.MAX_SCANS))
    assert "scans or more" in said
    assert not decoders


def test_a_large_jpeg_may_have_fewer_scans_than_a_small_one(make, decoders):
    data = bytearray(with_scans(make, 40))
    start = data.index(b"\xff\xc2")
    data[start + 5 : start + 9] = struct.pack(">HH", 7000, 7000)
    assert "30 are decoded" in refused(bytes(data))
    assert not decoders


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 1}, {"optimize": True}, {}])
def test_jpegs_as_encoders_write_them_are_read(make, options):
    colour = np.stack([NOISE] * 3, 2)
    for picture in (NOISE, colour):
        assert read(make.encode(picture, "JPEG", **options), "a.jpg").pixels.shape == (64, 64)
    assert read(with_scans(make, 50), "a.jpg").pixels.shape == (64, 64)


def test_a_jpeg_of_many_segments(make, decoders):
    data = make.encode(NOISE, "JPEG")
    assert "segments or more" in refused(data[:2] + segment(0xFE) * (segments.MAX_SEGMENTS + 1) + data[2:])
    assert not decoders


@pytest.mark.parametrize("fill", [b"\xff", b"\0", b"\xff\x02"])
def test_a_jpeg_of_much_fill(make, decoders, fill):
    data = make.encode(NOISE, "JPEG")
    assert "bytes between" in refused(data[:20] + fill * (segments.MAX_FILL + 1) + data[20:])
    assert "bytes between" in refused(data[:20] + fill * (segments.MAX_FILL + 1))
    assert not decoders


def test_a_dicom_frame_of_many_scans(make, decoders):
    frame = with_scans(make, segments.MAX_SCANS)
    assert "scans or more" in refused(compressed(make, frame, JPEGBaseline8Bit))
    assert not decoders


# JPEG 2000


def in_jpeg_2000(make, change):
    data = bytearray(make.encode(NOISE, "JPEG2000", no_jp2=True))
    change(SimpleNamespace(data=data, size=4, style=data.index(b"\xff\x52") + 4))
    return compressed(make, bytes(data), JPEG2000Lossless)


def of_many_tiles(at):
    struct.pack_into(">HIIIIIIII", at.data, at.size + 2, 0, 64, 64, 0, 0, 1, 1, 0, 0)


def of_many_layers(at):
    struct.pack_into(">H", at.data, at.style + 2, 65535)
    struct.pack_into(">II", at.data, at.size + 20, 8, 8)


def of_no_tile(at):
    struct.pack_into(">II", at.data, at.size + 20, 0, 0)


def of_many_levels(at):
    at.data[at.style + 5] = 200


def test_a_jpeg_2000_frame_as_it_is_written_is_read(make):
    assert read(in_jpeg_2000(make, lambda _: None), "film.dcm").pixels.shape == (64, 64)


@pytest.mark.parametrize(
    ("change", "said"),
    [(of_many_layers, "packets"), (of_no_tile, "damaged"), (of_many_levels, "damaged")],
)
def test_a_jpeg_2000_frame_of_many_parts(make, decoders, change, said):
    assert said in refused(in_jpeg_2000(make, change))
    assert not decoders


def test_a_jpeg_2000_frame_of_many_tiles(make, decoders, monkeypatch):
    monkeypatch.setattr("cxrkd.images.codestream.MAX_TILES", 4095)
    assert "4,096 tiles" in refused(in_jpeg_2000(make, of_many_tiles))
    assert not decoders


def test_a_jpeg_2000_frame_of_tiny_precincts(make, decoders, monkeypatch):
    monkeypatch.setattr("cxrkd.images.codestream.MAX_PACKETS", 4000)
    frame = bytearray(make.encode(NOISE, "JPEG2000", no_jp2=True, num_resolutions=1, precinct_size=(64, 64)))
    frame[frame.index(b"\xff\x52") + 14] = 0
    assert "4,096 packets" in refused(compressed(make, bytes(frame), JPEG2000Lossless))
    assert not decoders


def test_two_jpeg_2000_frames_in_one(make, decoders):
    frame = make.encode(NOISE, "JPEG2000", no_jp2=True)
    assert "damaged" in refused(compressed(make, frame + frame, JPEG2000Lossless))
    assert not decoders


# DICOM


ITEM, NO_ITEM = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0" + bytes(4)
PARTS = counted.MAX_READS + 1


@pytest.mark.parametrize(
    "data",
    [
        PREFIX + bytes(8 * PARTS),
        PREFIX + b"\x02\x00\x10\x00UI\x00\x00" * PARTS,
        PREFIX + b"\x09\x00\x10\x00LO\x00\x00" * PARTS,
        PREFIX + b"\x40\x00\x75\x02SQ\x00\x00\xff\xff\xff\xff" + (ITEM + bytes(4)) * PARTS,
        b"".join(b"\x08\x00%c\x00CS\x00\x00" % n for n in range(4)) + b"\x09\x00\x11\x00LO\x00\x00" * PARTS,
    ],
    ids=["zeros", "header", "elements", "items", "no prefix"],
)
def test_a_dicom_file_of_many_parts(data):
    assert "elements, items or fragments" in refused(data)


def test_a_dicom_file_of_deep_sequences():
    deep = b"\x40\x00\x75\x02SQ\x00\x00\xff\xff\xff\xff" + ITEM + b"\xff\xff\xff\xff"
    assert "DICOM" in refused(PREFIX + deep * 5000)


def fragments(frame, size):
    pieces = [frame[at : at + size] for at in range(0, len(frame), size)]
    return ITEM + bytes(4) + b"".join(ITEM + struct.pack("<I", len(piece)) + piece for piece in pieces)


def test_a_frame_in_many_fragments(make, decoders):
    frame = make.encode(NOISE, "JPEG", quality=95)
    even = frame + bytes(len(frame) % 2)
    many = fragments(even, 2) + (ITEM + bytes(4)) * PARTS
    assert "elements, items or fragments" in refused(compressed(make, many, JPEGBaseline8Bit))
    assert not decoders


def test_a_frame_in_some_fragments_is_read(make):
    frame = make.encode(NOISE, "JPEG", quality=95)
    even = frame + bytes(len(frame) % 2)
    data = compressed(make, fragments(even, 16), JPEGBaseline8Bit)
    whole = compressed(make, frame, JPEGBaseline8Bit)
    np.testing.assert_array_equal(read(data, "a.dcm").pixels, read(whole, "a.dcm").pixels)


def test_run_lengths_of_more_bytes_than_pixels(make, decoders):
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x00" * 40_000
    assert "compressed bytes than pixels" in refused(compressed(make, frame, RLELossless))
    assert not decoders


def test_a_value_that_is_too_long_for_what_it_is(make):
    ds = make.with_texts(make.film(NOISE), WindowCenter=b"1\\" * 40_000)
    assert "as WindowCenter" in refused(make.write(ds, ImplicitVRLittleEndian))


def test_a_sequence_of_many_tables(make):
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [0, 0, 16], b""
    ds = make.film(NOISE, VOILUTSequence=[table] * (counted.MAX_ITEMS + 1))
    assert "as VOILUTSequence" in refused(make.write(ds, ExplicitVRLittleEndian))


def test_windows_that_show_nothing_are_tried_a_few_times(make, monkeypatch):
    tried, see = [], windows.Window.see
    monkeypatch.setattr(windows.Window, "see", lambda self, values: tried.append(1) or see(self, values))
    ds = make.film(NOISE, WindowCenter=[9000.0] * 500, WindowWidth=[1.0] * 500)
    assert "no window in the file is of use" in " ".join(read(make.write(ds), "film.dcm").notes)
    assert len(tried) == voi.MAX_OFFERS
