import numpy as np
import pytest
from scipy import ndimage

from cxrkd.errors import ConfigError
from cxrkd.explain.designs import block
from cxrkd.explain.segments import FILLS, compose, filling, superpixels


@pytest.fixture
def pixels(film):
    return film[0, 0].numpy()


def halves(size=64, low=0.2, high=0.8):
    """A dark left and a bright right half."""
    return np.repeat(np.where(np.arange(size) < size // 2, low, high)[None], size, 0).astype(np.float32)


def test_numbers_run_from_zero_without_gaps(pixels):
    segments = superpixels(pixels, 20)
    assert segments.shape == pixels.shape
    assert 10 <= segments.max() + 1 <= 30
    assert np.array_equal(np.unique(segments), np.arange(segments.max() + 1))


def test_every_superpixel_is_one_piece(pixels):
    segments = superpixels(pixels, 20)
    assert all(ndimage.label(segments == s, np.ones((3, 3)))[1] == 1 for s in range(segments.max() + 1))


def test_superpixels_follow_an_edge():
    image = halves()
    segments = superpixels(image, 16)
    spread = ndimage.standard_deviation(image, segments, np.arange(segments.max() + 1))
    assert spread.mean() < 0.05, "squares would mix both halves"


def test_a_flat_image_is_still_cut():
    assert superpixels(np.full((48, 48), 0.5, np.float32), 9).max() + 1 >= 4


def test_fills(pixels):
    segments = superpixels(pixels, 20)
    mean, blur = filling(pixels, segments, "mean"), filling(pixels, segments, "blur")
    for s in range(segments.max() + 1):
        assert mean[segments == s] == pytest.approx(pixels[segments == s].mean(), abs=1e-6)
    assert filling(pixels, segments, "black").max() == 0
    assert np.abs(np.diff(blur)).mean() < 0.2 * np.abs(np.diff(pixels)).mean(), "structure is gone"
    assert blur.mean() == pytest.approx(pixels.mean(), abs=0.05)
    assert all(filling(pixels, segments, f).dtype == np.float32 for f in FILLS)


def test_composed_images_equal_a_loop(pixels):
    segments = superpixels(pixels, 20)
    filled, masks = filling(pixels, segments, "blur"), block(segments.max() + 1, 0, 0)[:7]
    images = compose(pixels, filled, segments, masks)
    assert images.shape == (7, 1, *pixels.shape)
    assert images.dtype == np.float32
    for mask, image in zip(masks, images[:, 0], strict=True):
        expected = filled.copy()
        for s in np.flatnonzero(mask):
            expected[segments == s] = pixels[segments == s]
        assert np.array_equal(image, expected)


def test_errors(pixels):
    with pytest.raises(ConfigError, match=r"'grey'.*blur, mean, black"):
        filling(pixels, superpixels(pixels, 9), "grey")
    with pytest.raises(ConfigError, match="at least 2"):
        superpixels(pixels, 1)
