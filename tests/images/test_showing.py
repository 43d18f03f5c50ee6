"""The film for the eye: its square in its own pixels, and a window of its tones."""

import numpy as np
import pytest

from cxrkd.images.files import film_of
from cxrkd.images.film import Film
from cxrkd.images.showing import LARGEST, square_of, windowed
from tests.dashboard.test_pages import png_of


def film(pixels, size=32):
    return Film("film", np.zeros((size, size), np.uint8), lambda: pixels)


def test_the_square_keeps_the_pixels_and_the_tones_of_the_file():
    pixels = np.random.default_rng(0).random((100, 140), dtype=np.float32)
    np.testing.assert_array_equal(square_of(film(pixels)), pixels[:, 20:120])


def test_a_large_film_is_averaged_to_what_a_page_can_carry():
    pixels = np.repeat(np.repeat(np.random.default_rng(0).random((LARGEST, LARGEST), dtype=np.float32), 2, 0), 2, 1)
    shown = square_of(film(pixels))
    assert shown.shape == (LARGEST, LARGEST)
    np.testing.assert_allclose(shown, pixels[::2, ::2], atol=1e-6)


def test_a_film_smaller_than_what_networks_see_is_what_they_see():
    small = film(np.ones((20, 20), np.float32))
    np.testing.assert_array_equal(square_of(small), small.pixels)


def test_the_same_square_is_looked_at_and_shown():
    pixels = np.tile(np.linspace(0, 255, 96, dtype=np.uint8), (64, 1))  # brighter from left to right, to be cropped
    one = film_of(png_of(pixels), "a.png", 32)
    shown = square_of(one)
    assert shown.shape == (64, 64)
    np.testing.assert_allclose(shown.reshape(32, 2, 32, 2).mean((1, 3)), one.pixels, atol=1 / 255)


@pytest.mark.parametrize(("centre", "width"), [(0.5, 1.0), (0.3, 0.2), (0.8, 0.4)])
def test_a_window_is_that_of_dicom(centre, width):
    """PS3.3 C.11.2.1.3, LINEAR_EXACT: ((x - c) / w + 0.5) * (ymax - ymin) + ymin, clipped."""
    x = np.linspace(0, 1, 501)
    expected = np.clip((x - centre) / width + 0.5, 0, 1) * 255
    shown = windowed(x, centre - width / 2, centre + width / 2)
    assert np.abs(shown - expected).max() <= 0.5 + 1e-6
    inverted = windowed(x, centre - width / 2, centre + width / 2, invert=True)
    assert np.abs(inverted.astype(int) + shown - 255).max() <= 1


def test_a_window_shows_what_eight_bits_would_round_away():
    x = np.linspace(0.5, 0.5 + 1 / 255, 64)
    assert len(np.unique(windowed(x, 0.5, 0.5 + 1 / 255))) == 64


def test_a_window_without_width_is_a_step():
    assert windowed(np.array([0.4, 0.6]), 0.5, 0.5).tolist() == [0, 255]
