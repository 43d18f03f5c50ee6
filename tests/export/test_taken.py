"""What reads a film without this program reads it as this program does."""

import io

import numpy as np
import pytest
from PIL import Image

from cxrkd.data.phantom import render
from cxrkd.export.taken.film import prepared, read_png, resizing
from cxrkd.images.files import film_of
from cxrkd.images.radiograph import unit


def saved(path, pixels, **how):
    Image.fromarray(pixels).save(path, **how)
    return path


@pytest.fixture(scope="module")
def film():
    return render(3, 1, 0, 256).pixels


@pytest.mark.parametrize("kind", range(5))
def test_every_filter_of_a_png_is_undone(kind, tmp_path):
    """A row filtered by hand, by the formulas of ISO/IEC 15948 section 9."""
    import zlib

    pixels = np.random.default_rng(kind).integers(0, 256, (6, 9)).astype(int)
    around = np.pad(pixels, ((1, 0), (1, 0)))
    left, up, corner = around[1:, :-1], around[:-1, 1:], around[:-1, :-1]
    estimate = left + up - corner
    near = np.stack([left, up, corner])
    paeth = np.take_along_axis(near, np.abs(estimate - near).argmin(0)[None], 0)[0]
    guess = (0 * left, left, up, (left + up) // 2, paeth)[kind]
    lines = np.concatenate([np.full((6, 1), kind), (pixels - guess) % 256], 1).astype(np.uint8)

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    packed = zlib.compress(lines.tobytes())
    header = (9).to_bytes(4, "big") + (6).to_bytes(4, "big") + b"\x08\0\0\0\0"
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed[:7]) + chunk(b"IDAT", packed[7:])
    (tmp_path / "a.png").write_bytes(file + chunk(b"IEND", b""))
    assert (np.asarray(Image.open(tmp_path / "a.png")) == pixels).all(), "Pillow reads the same file so"
    np.testing.assert_array_equal(np.rint(read_png(tmp_path / "a.png") * 255), pixels)


@pytest.mark.parametrize("shape", [(256, 256), (256, 211), (180, 256), (64, 64), (50, 33), (97, 131)])
@pytest.mark.parametrize("size", [32, 64, 96])
def test_a_film_becomes_the_input_that_the_program_makes(shape, size, film, tmp_path):
    path = saved(tmp_path / "film.png", film[: shape[0], : shape[1]], optimize=True)
    got = prepared(read_png(path), size)
    expected = unit(film_of(path.read_bytes(), "film.png", size).tones)
    assert (got.shape, got.dtype) == ((1, 1, size, size), np.float32)
    apart = np.abs(got[0, 0] - expected)
    assert apart.max() <= 1 / 255 + 1e-6
    # A tone at most, and only where a mean lies half-way between two, but for the rounding of float32.
    side = min(shape)
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    whole = resizing(side, size) @ film[top : top + side, left : left + side] @ resizing(side, size).T
    assert np.abs(whole[apart > 1e-6] % 1 - 0.5).max(initial=0) < 1e-3


def test_weights_of_each_new_pixel_add_up_to_one():
    for old, new in ((1024, 224), (224, 224), (33, 224), (224, 223), (1, 4)):
        np.testing.assert_allclose(resizing(old, new).sum(1), 1)


def test_what_is_cut_or_not_there_is_a_sentence(film, tmp_path):
    path = saved(tmp_path / "film.png", film)
    data = path.read_bytes()
    for cut in (data[:40], data[:-200], data[:60] + bytes(8) + data[68:]):
        path.write_bytes(cut)
        with pytest.raises(SystemExit, match="is damaged or incomplete"):
            read_png(path)
    with pytest.raises(SystemExit, match=r"none.png cannot be read \(No such file"):
        read_png(tmp_path / "none.png")


@pytest.mark.parametrize("mode", ["RGB", "I;16", "P", "LA"])
def test_another_kind_of_file_is_refused_in_a_sentence(mode, tmp_path):
    Image.new(mode, (8, 8)).save(tmp_path / "other.png")
    with pytest.raises(SystemExit, match="expected a PNG with 8 bits of grey"):
        read_png(tmp_path / "other.png")
    (tmp_path / "other.png").write_bytes(io.BytesIO(b"GIF89a").getvalue())
    with pytest.raises(SystemExit, match="expected a PNG with 8 bits of grey"):
        read_png(tmp_path / "other.png")
