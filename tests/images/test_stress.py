"""Each degradation against its definition, computed otherwise; all of them repeatable and of 8 bits."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from cxrkd.errors import ImageError
from cxrkd.images.stress import BY_NAME, STRESSES


@pytest.fixture
def films():
    """Smooth pictures that leave room at both ends of the range."""
    rng = np.random.default_rng(0)
    rough = gaussian_filter(rng.normal(size=(3, 64, 64)), (0, 3, 3))
    return (128 + 90 * rough / np.abs(rough).max()).astype(np.uint8)


@pytest.mark.parametrize("stress", STRESSES, ids=lambda stress: stress.name)
def test_films_stay_films_and_come_out_the_same_in_any_batch(stress, films):
    kept = films.copy()
    found = stress(films)
    assert (found.shape, found.dtype) == (films.shape, np.uint8)
    assert (found != films).any() or stress.name == "blur"  # less than a third of a pixel on films as small as these
    np.testing.assert_array_equal(films, kept)
    apart = np.concatenate([stress(films[2:], np.array([2])), stress(films[:2], np.array([0, 1]))])
    np.testing.assert_array_equal(apart, found[[2, 0, 1]])
    np.testing.assert_array_equal(stress(films.astype(np.float64) / 255), found)
    assert stress.sentence.endswith(".")


def test_names_are_different_and_all_are_there():
    assert list(BY_NAME) == ["noise_low", "noise_high", "blur", "jpeg50", "half", "gamma_bright", "gamma_dark"]


@pytest.mark.parametrize(("name", "deviation"), [("noise_low", 0.005), ("noise_high", 0.02)])
def test_noise_has_its_deviation_and_each_film_its_own(name, deviation):
    grey = np.full((2, 128, 128), 0.5)
    first, second = BY_NAME[name](grey) / 255 - 0.5
    rounded = np.hypot(deviation, 1 / 255 / np.sqrt(12))  # and that of rounding to 8 bits
    assert first.std() == pytest.approx(rounded, rel=0.03)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.03


def test_the_blur_grows_with_the_film():
    point = np.zeros((1, 448, 448))
    point[0, 224, 224] = 1.0
    expected = gaussian_filter(point[0], 2.0)
    found = BY_NAME["blur"].degrade(point[0].astype(np.float32), 0)
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_jpeg_is_what_pillow_reads_back(films):
    found = BY_NAME["jpeg50"](films)
    for film, one in zip(films, found, strict=True):
        file = io.BytesIO()
        Image.fromarray(film).save(file, "JPEG", quality=50)
        assert np.abs(np.asarray(Image.open(file)).astype(int) - one).mean() < 1.0


def test_half_resolution_is_means_of_four_drawn_out(films):
    means = films.reshape(3, 32, 2, 32, 2).astype(float).mean(axis=(2, 4))
    found = BY_NAME["half"](films).astype(float)
    # Bilinear: a pixel is 3/4 of its own block's mean and 1/4 of the next one's, each way.
    inner = 0.75 * means[:, 1:-1, 1:-1] + 0.25 * means[:, 1:-1, :-2]
    above = 0.75 * means[:, :-2, 1:-1] + 0.25 * means[:, :-2, :-2]
    np.testing.assert_allclose(found[:, 2:-2:2, 2:-2:2], 0.75 * inner + 0.25 * above, atol=0.51)


def test_gamma_keeps_black_and_white_and_bends_between():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (1, 256, 1))
    bright, dark = (BY_NAME[name](ramp)[0, 0] for name in ("gamma_bright", "gamma_dark"))
    assert (bright[[0, 255]] == [0, 255]).all()
    assert (bright[128], dark[128]) == (round(255 * (128 / 255) ** 0.8), round(255 * (128 / 255) ** 1.25))


@pytest.mark.parametrize("films", [np.zeros((4, 4)), np.zeros((1, 4, 5)), np.zeros((1, 4, 4), np.int64)])
def test_what_is_no_stack_of_films_is_refused(films):
    with pytest.raises(ImageError, match="expected square films"):
        BY_NAME["blur"](films)
