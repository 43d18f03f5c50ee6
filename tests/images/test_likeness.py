"""The hash tells films apart and knows their copies; bits and distances against a second way to the same numbers."""

import cv2
import numpy as np
import pytest
from scipy.fft import dctn

from cxrkd.data.phantom import render
from cxrkd.images.likeness import BYTES, SAME, distances, likeness, likenesses, nearest


@pytest.fixture(scope="module")
def films():
    return np.stack([render(7, patient, 0, 96).pixels for patient in range(12)])


def jpeg(film):
    return cv2.imdecode(cv2.imencode(".jpg", film, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_GRAYSCALE)


COPIES = {
    "smaller": lambda film: cv2.resize(film, (77, 77), interpolation=cv2.INTER_AREA),
    "larger": lambda film: cv2.resize(film, (160, 160), interpolation=cv2.INTER_LINEAR),
    "JPEG 50": jpeg,
    "noise": lambda film: (film + np.random.default_rng(0).normal(0, 5, film.shape)).clip(0, 255).astype(np.uint8),
    "darker": lambda film: (255 * (film / 255) ** 1.25).astype(np.uint8),
    "brighter": lambda film: (255 * (film / 255) ** 0.8).astype(np.uint8),
    "blurred": lambda film: cv2.GaussianBlur(film, (0, 0), 1.0),
}


def test_bits_are_the_low_frequencies_above_their_median(films):
    small = cv2.resize(films[0], (32, 32), interpolation=cv2.INTER_AREA).astype(float)
    low = dctn(small, norm="ortho")[:16, :16].ravel()
    expected = low > np.median(low[1:])
    got = np.unpackbits(likeness(films[0])).astype(bool)
    close = np.abs(low - np.median(low[1:])) < 1e-3  # float32 may put these on the other side
    assert (got == expected)[~close].all()
    assert close.sum() < 3


@pytest.mark.parametrize("what", COPIES)
def test_copies_are_near(films, what):
    for film in films:
        assert distances(likeness(film)[None], likeness(COPIES[what](film))[None])[0, 0] <= SAME


def test_films_of_different_patients_are_far(films):
    hashes = likenesses(films)
    between = distances(hashes, hashes)[np.triu_indices(len(films), 1)]
    assert between.min() > SAME


def test_distances_and_nearest_are_those_of_the_bits():
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 256, (n, BYTES), np.uint8) for n in (7, 9))
    bits_a, bits_b = (np.unpackbits(hashes, axis=1) for hashes in (a, b))
    expected = (bits_a[:, None] != bits_b[None]).sum(axis=2)
    np.testing.assert_array_equal(distances(a, b), expected)
    rows, bits = nearest(a, b)
    np.testing.assert_array_equal(rows, expected.argmin(axis=1))
    np.testing.assert_array_equal(bits, expected.min(axis=1))
    assert [len(part) for part in nearest(a[:0], b)] == [0, 0]


def test_only_the_rows_that_are_asked_for_are_read(films):
    told = []
    some = likenesses(films, [3, 1], lambda done, n: told.append((done, n)))
    np.testing.assert_array_equal(some, likenesses(films)[[3, 1]])
    assert told == [(1, 2), (2, 2)]


def test_a_blank_film_has_a_hash():
    assert likeness(np.zeros((64, 64), np.uint8)).shape == (BYTES,)
