import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from cxrkd.errors import ImageError
from cxrkd.images.read import read


def test_eight_bit_grey_is_divided_by_255_even_when_dark(make):
    values = make.gradient(100, np.uint8)
    r = read(make.encode(values), "film.png")
    np.testing.assert_array_equal(r.pixels, values.astype(np.float32) / np.float32(255))
    assert r.pixels.dtype == np.float32
    assert r.notes == ()
    assert r.name == "film.png"


def test_sixteen_bit_gradient_is_golden_and_not_white(make):
    values = make.gradient(65535, np.uint16)
    r = read(make.encode(values), "film.png")
    np.testing.assert_allclose(r.pixels, values / 65535, atol=1e-7)
    assert r.notes == ("16-bit values scaled by a depth of 16 bits",)


def test_twelve_bits_in_sixteen_are_recognised(make):
    values = make.gradient(4095, np.uint16)
    r = read(make.encode(values), "film.png")
    np.testing.assert_allclose(r.pixels, values / 4095, atol=1e-6)
    assert "12 bits" in r.notes[0]


def test_sixteen_bit_values_in_a_narrow_band_are_stretched_and_noted(make):
    values = (make.gradient(3000, np.uint16) + 30000).astype(np.uint16)
    values[0, 0] = 65535
    r = read(make.encode(values), "film.png")
    assert np.percentile(r.pixels, 1) < 0.02
    assert np.percentile(r.pixels, 99) > 0.98
    assert "percentiles" in r.notes[0]


def test_sixteen_and_eight_bits_of_one_film_agree(make):
    eight = make.gradient(255, np.uint8)
    sixteen = eight.astype(np.uint16) * 257
    first, second = (read(make.encode(v), "film.png").pixels for v in (eight, sixteen))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_grey_stored_in_colour_keeps_its_values(make):
    grey = make.gradient(255, np.uint8)
    plain = read(make.encode(grey), "a.png").pixels
    for picture in (np.dstack([grey] * 3), Image.fromarray(grey).convert("P")):
        r = read(make.encode(picture), "b.png")
        np.testing.assert_array_equal(r.pixels, plain)
        assert "stored in colour, though grey" in r.notes


def test_sixteen_bit_colour_is_read_and_said(make):
    grey = make.gradient(65535, np.uint16)
    r = read(cv2.imencode(".png", np.dstack([grey] * 3))[1].tobytes(), "film.png")
    np.testing.assert_allclose(r.pixels, grey / 65535, atol=1e-6)
    assert r.notes == ("16-bit values scaled by a depth of 16 bits", "stored in colour, though grey")


def png(values, colour, depth, *chunks, interlaced=False):
    """Bytes of a PNG, written from its specification: rows of samples (H, W, channels) without filters."""

    def rows(part):
        if depth < 8:
            per = 8 // depth
            part = np.pad(part[..., 0], ((0, 0), (0, -part.shape[1] % per))).reshape(len(part), -1, per)
            part = (part << (np.arange(per)[::-1] * depth)).sum(2)
        return b"".join(b"\0" + np.asarray(row, ">u2" if depth == 16 else "u1").tobytes() for row in part)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    values = np.atleast_3d(values).astype(int)
    parts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = [values[top::down, left::right] for top, left, down, right in parts] if interlaced else [values]
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, colour, 0, 0, int(interlaced))
    body = zlib.compress(b"".join(rows(part) for part in passes))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), *(chunk(*extra) for extra in chunks), chunk(b"IDAT", body), chunk(b"IEND", b"")]
    )


GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("top", [1023, 4095, 16383, 65535])
@pytest.mark.parametrize("colour", [GREY, RGB, GREY_ALPHA, RGBA])
def test_sixteen_bits_are_kept_in_every_kind_of_png(make, colour, top, interlaced):
    grey = make.gradient(top, np.uint16)
    channels = [grey] * (3 if colour in (RGB, RGBA) else 1)
    opacity = np.full(grey.shape, 65535)
    opacity[:5] = 0
    opacity[5:9] = 32768
    opaque = colour in (GREY, RGB)
    data = png(np.dstack(channels if opaque else [*channels, opacity]), colour, 16, interlaced=interlaced)
    r = read(data, "film.png")
    np.testing.assert_allclose(r.pixels, grey / top * (1 if opaque else opacity / 65535), atol=1e-6)
    assert ("transparent areas drawn black" in r.notes) != opaque
    assert r.colour == 0


def test_what_is_transparent_does_not_decide_how_tones_are_scaled(make):
    grey = make.gradient(4095, np.uint16)
    opacity = np.full(grey.shape, 65535)
    grey[:, :8], opacity[:, :8] = 65535, 0
    for colour, channels in ((GREY_ALPHA, [grey]), (RGBA, [grey] * 3)):
        r = read(png(np.dstack([*channels, opacity]), colour, 16), "film.png")
        np.testing.assert_allclose(r.pixels, np.where(opacity > 0, grey / 4095, 0), atol=1e-6)


def test_sixteen_bit_colour_is_averaged_and_doubted(make):
    red, green = make.gradient(16383, np.uint16), make.gradient(16383, np.uint16, 64, 48).T
    colour = np.dstack([red, green, np.zeros_like(red)])
    r = read(png(colour, RGB, 16), "photo.png")
    np.testing.assert_allclose(r.pixels, colour.mean(2) / 16383, atol=1e-4)
    assert "radiograph has no colour" in " ".join(r.notes)
    assert r.colour > 0.5


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_value_that_is_transparent_is_black_in_a_grey_png(make, depth):
    top = 2**depth - 1
    values = make.gradient(top, np.int64)
    for clear in {0, top // 2, top * (depth > 1)}:
        values[:4] = clear
        r = read(png(values, GREY, depth, (b"tRNS", struct.pack(">H", clear))), "film.png")
        np.testing.assert_allclose(r.pixels, np.where(values == clear, 0, values / top), atol=1e-6)
        assert "transparent areas drawn black" in r.notes
    assert "transparent areas drawn black" not in read(png(values, GREY, depth), "film.png").notes


@pytest.mark.parametrize("depth", [8, 16])
def test_a_colour_that_is_transparent_is_black(make, depth):
    top = 2**depth - 1
    values = make.gradient(top, np.int64)
    data = png(np.dstack([values] * 3), RGB, depth, (b"tRNS", struct.pack(">3H", top, top, top)))
    r = read(data, "film.png")
    np.testing.assert_allclose(r.pixels, np.where(values == top, 0, values / top), atol=1e-4)


def test_a_transparent_entry_of_a_palette_is_black(make):
    values = make.gradient(255, np.int64)
    palette = np.repeat(np.arange(256), 3).astype(np.uint8).tobytes()
    data = png(values, 3, 8, (b"PLTE", palette), (b"tRNS", bytes([255] * 255 + [0])))
    np.testing.assert_allclose(read(data, "film.png").pixels, np.where(values == 255, 0, values / 255), atol=1e-6)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_png_of_sixteen_bit_colour_is_refused(share):
    noise = np.random.default_rng(0).integers(0, 65536, (60, 60, 3))
    data = png(noise, RGB, 16)
    with pytest.raises(ImageError, match="damaged or incomplete"):
        read(data[: int(len(data) * share)], "film.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_png_of_sixteen_bit_colour_is_turned_upright(orientation):
    values = np.random.default_rng(0).integers(0, 65536, (40, 50))
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation]) + bytes(6)
    grey, colour = (
        read(png(np.dstack([values] * n), kind, 16, (b"eXIf", exif)), "film.png") for n, kind in ((1, GREY), (3, RGB))
    )
    eight = png(values >> 8, GREY, 8, (b"eXIf", exif))
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(eight)))) / 255
    np.testing.assert_allclose(colour.pixels, upright, atol=1 / 255)
    np.testing.assert_array_equal(colour.pixels, grey.pixels)


def test_a_coloured_palette_is_resolved(make):
    indices = Image.fromarray(np.tile(np.arange(2, dtype=np.uint8), (40, 20)), mode="L").convert("P")
    indices.putpalette([0, 0, 255, 255, 0, 30])
    r = read(make.encode(indices), "film.png")
    assert "palette resolved" in r.notes
    assert set(np.unique((r.pixels * 255 * 3).round()).astype(int)) == {255, 285}


def test_colour_is_averaged_and_doubted(make):
    picture = np.zeros((40, 50, 3), np.uint8)
    picture[:, :25, 0], picture[:, 25:, 1] = 255, 90
    r = read(make.encode(picture), "photo.png")
    np.testing.assert_allclose(r.pixels[:, [0, 30]], [[255 / 765, 90 / 765]] * 40, atol=1e-6)
    assert "radiograph has no colour" in r.notes[0]


def test_transparent_areas_are_black(make):
    grey = np.full((40, 40), 200, np.uint8)
    alpha = make.gradient(255, np.uint8, 40, 40)
    for picture in (
        Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)]),
        np.dstack([grey] * 3 + [alpha]),
    ):
        r = read(make.encode(picture), "film.png")
        np.testing.assert_allclose(r.pixels, grey / 255 * (alpha / 255), atol=1e-6)
        assert "transparent areas drawn black" in r.notes


def test_one_bit_a_pixel_is_read_and_said(make):
    picture = Image.fromarray(make.gradient(255, np.uint8) > 127)
    r = read(make.encode(picture), "film.png")
    assert set(np.unique(r.pixels)) == {0.0, 1.0}
    assert "one bit" in r.notes[0]


def test_grey_and_colour_jpeg_are_close_to_what_was_saved(make):
    grey = make.gradient(255, np.uint8)
    for picture in (grey, np.dstack([grey] * 3)):
        r = read(make.encode(picture, "JPEG", quality=95), "film.jpg")
        assert np.abs(r.pixels - grey / 255).max() < 0.03


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_jpeg_is_turned_upright_and_noted(make, orientation):
    picture = Image.fromarray(make.gradient(255, np.uint8) // 2 + make.gradient(120, np.uint8, 64, 48).T)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = make.encode(picture, "JPEG", exif=exif, quality=95)
    r = read(data, "film.jpg")
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))) / 255
    np.testing.assert_allclose(r.pixels, upright, atol=1e-6)
    assert any("EXIF" in note for note in r.notes) == (orientation != 1)


def test_what_a_file_is_called_does_not_matter(make):
    values = make.gradient(255, np.uint8)
    names = ("film.jpg", "film.dcm", "film", "../../etc/passwd")
    reads = [read(make.encode(values), name) for name in names]
    assert len({r.sha256 for r in reads}) == 1
    assert reads[3].name == "../../etc/passwd"


def test_the_hash_is_that_of_the_pixels(make):
    values = make.gradient(255, np.uint8)
    first = read(make.encode(values), "a.png").sha256
    assert read(make.encode(values, compress_level=0), "b.png").sha256 == first
    assert read(make.encode(values.reshape(values.shape[::-1])), "c.png").sha256 != first
    assert read(make.encode(255 - values), "d.png").sha256 != first


def test_pixels_cannot_be_written_to(make):
    r = read(make.encode(make.gradient(255, np.uint8)), "film.png")
    with pytest.raises(ValueError, match="read-only"):
        r.pixels[0, 0] = 1


def test_real_films_are_read_as_they_are(shared_data):
    for path in sorted((shared_data / "nih_mini" / "images").glob("*.png"))[::200]:
        r = read(path.read_bytes(), path.name)
        np.testing.assert_array_equal(r.pixels, np.asarray(Image.open(path)).astype(np.float32) / np.float32(255))
        assert r.notes == ()
