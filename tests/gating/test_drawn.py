import numpy as np
import pytest

from cxrkd.gating import drawn
from cxrkd.gating.variety import SIDE, varied

DRAWS = {**drawn.PROGRAMS, "blank": drawn.faint}


@pytest.mark.parametrize("kind", DRAWS)
def test_a_program_draws_many_pictures_in_range_and_the_same_again(kind):
    rng, again = np.random.default_rng(1), np.random.default_rng(1)
    found = [DRAWS[kind](rng) for _ in range(12)]
    for image in found:
        assert (image.shape, image.dtype) == ((SIDE, SIDE), np.float32)
        assert 0 <= image.min() <= image.max() <= 1
        np.testing.assert_array_equal(image, DRAWS[kind](again))
    assert len({image.tobytes() for image in found}) == len(found)


def test_a_film_on_a_screen_is_there_and_small():
    film = np.full((64, 64), 0.123, np.float32)
    share = np.mean(np.isclose(drawn.screen_with(film, np.random.default_rng(0)), 0.123))
    assert 0.05 < share < 0.4


def test_variety_keeps_the_size_and_the_range_and_not_the_pixels():
    film = np.random.default_rng(0).random((90, 70), dtype=np.float32)
    rng = np.random.default_rng(1)
    a, b = varied(film, rng), varied(film, rng)
    assert a.shape == b.shape == (SIDE, SIDE)
    assert 0 <= a.min() <= a.max() <= 1
    assert not np.array_equal(a, b)
