from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from cxrkd.data.decode import decode
from cxrkd.images.radiograph import crop_note, radiograph, to_input
from cxrkd.images.read import read

STEP = 0.5 / 255 + 1e-6
"""Rounding to 8 bits moves a pixel by half a step at most."""


def film(pixels):
    return radiograph(pixels.astype(np.float32), "film.png", ())


@pytest.mark.parametrize("size", [32, 64, 224])
def test_an_image_of_the_training_size_passes_unchanged(make, size):
    values = np.random.default_rng(0).integers(0, 256, (size, size), dtype=np.uint8)
    given = to_input(read(make.encode(values), "film.png"), size)
    np.testing.assert_array_equal(given, values.astype(np.float32) / np.float32(255))
    assert given.dtype == np.float32
    assert given.flags.writeable


def test_shrinking_is_that_of_the_training_images():
    from cxrkd.images.resizing import resized

    values = np.random.default_rng(0).random((96, 96), dtype=np.float32)
    np.testing.assert_allclose(to_input(film(values), 40), resized(values[None], 40)[0], atol=STEP)


def test_an_upload_is_the_training_image_of_the_same_file(make, tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (96, 130), dtype=np.uint16)
    path = tmp_path / "film.png"
    path.write_bytes(make.encode(values))
    uploaded = to_input(read(path.read_bytes(), path.name), 64)
    np.testing.assert_array_equal(uploaded, decode(path, 64).astype(np.float32) / np.float32(255))


def test_shrinking_does_not_alias():
    """Stripes finer than the new grid become grey; plain sub-sampling would keep or invent stripes."""
    stripes = np.tile(np.arange(512) % 2, (512, 1))
    assert np.ptp(to_input(film(stripes), 128)) == 0
    assert np.ptp(cv2.resize(stripes.astype(np.float32), (200, 200), interpolation=cv2.INTER_NEAREST)) == 1
    assert np.ptp(to_input(film(stripes), 200)) < 0.3


def test_integer_shrinking_averages_blocks():
    values = np.random.default_rng(0).random((64, 64))
    np.testing.assert_allclose(to_input(film(values), 16), values.reshape(16, 4, 16, 4).mean((1, 3)), atol=STEP)


def test_the_centre_is_kept():
    wide = np.zeros((40, 100))
    wide[:, 30:70] = 1
    assert to_input(film(wide), 40).min() == 1
    np.testing.assert_array_equal(to_input(film(wide.T), 40), to_input(film(wide), 40).T)


def test_enlarging_stays_in_range():
    values = (np.random.default_rng(0).random((33, 33)) > 0.5).astype(float)
    large = to_input(film(values), 224)
    assert large.shape == (224, 224)
    assert 0 <= large.min() < large.max() <= 1


def test_a_crop_is_worth_a_note_only_when_it_takes_more_than_a_tenth():
    assert crop_note(film(np.zeros((100, 111)))) is None
    assert crop_note(film(np.zeros((50, 50)))) is None
    assert "20% of its height" in crop_note(film(np.zeros((100, 80))))
    assert "25% of its width" in crop_note(film(np.zeros((75, 100))))


def test_threads_read_what_one_thread_reads(make):
    rng = np.random.default_rng(0)
    files = [make.encode(rng.integers(0, 65536, (60, 60), dtype=np.uint16)) for _ in range(4)]
    files += [make.dicom(rng.integers(0, 4096, (60, 60), dtype=np.uint16)) for _ in range(4)]
    alone = [read(data, "film").sha256 for data in files]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda data: read(data, "film").sha256, files * 5))
    assert together == alone * 5
