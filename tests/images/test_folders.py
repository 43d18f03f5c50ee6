"""What of a folder is a film, by how files begin."""

import os
import struct

import pytest

from cxrkd.errors import ImageError
from cxrkd.images.folders import begins_like_film, films_below
from tests.images.conftest import dicom, encode


@pytest.fixture
def pixels():
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)


def test_files_are_told_by_their_bytes(tmp_path, pixels):
    for name, data in {
        "png.txt": encode(pixels),
        "jpeg": encode(pixels, "JPEG"),
        "dicom": dicom(pixels),
        "headless.dcm": dicom(pixels, header=False, implicit=True),
    }.items():
        (tmp_path / name).write_bytes(data)
    for name, data in {"empty.png": b"", "text.dcm": b"no film", "gif.jpg": b"GIF89a" + bytes(200)}.items():
        (tmp_path / name).write_bytes(data)
    below = films_below(tmp_path)
    assert [path.name for path in below.films] == ["dicom", "headless.dcm", "jpeg", "png.txt"]
    assert [path.name for path in below.others] == ["empty.png", "gif.jpg", "text.dcm"]


def test_a_pipe_is_no_film_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not begins_like_film(tmp_path / "pipe")
    assert films_below(tmp_path).films == ()


def test_what_is_no_folder_gets_a_sentence(tmp_path):
    with pytest.raises(ImageError, match="no folder that can be opened"):
        films_below(tmp_path / "gone")


def test_a_data_set_without_header_is_told_by_its_elements_however_long_they_are(tmp_path, pixels):
    """A private element longer than the beginning that is looked at, before the fourth."""
    long = struct.pack("<HHI", 0x0009, 0x1001, 6000) + bytes(6000)
    (tmp_path / "film").write_bytes(long + dicom(pixels, header=False, implicit=True))
    assert begins_like_film(tmp_path / "film")
    (tmp_path / "cut").write_bytes(long[:5000])
    assert not begins_like_film(tmp_path / "cut")


def test_a_folder_below_that_cannot_be_opened_is_named(tmp_path, pixels, closed):
    (tmp_path / "film.png").write_bytes(encode(pixels))
    below = films_below(tmp_path)
    assert [path.name for path in below.films] == ["film.png"]
    assert below.unopened == ((closed, "Permission denied"),)
