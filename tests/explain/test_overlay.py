import cv2
import numpy as np
import pytest
from skimage.color import rgb2lab

from cxrkd.errors import ConfigError
from cxrkd.explain.overlay import (
    COLORMAPS,
    POSITIVE_COLORMAPS,
    SIGNED_COLORMAPS,
    colour_table,
    draw_contour,
    overlay,
    shared_scale,
    upsample,
)


@pytest.fixture
def film_pixels(film):
    return film[0, 0].numpy()


def bump(height=1.0):
    heat = np.zeros((6, 6), np.float32)
    heat[2, 2] = height
    return heat


@pytest.mark.parametrize("shape", [(48, 48), (224, 224), (50, 37)])
def test_upsample_equals_opencv_bilinear(shape):
    heat = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32)
    np.testing.assert_allclose(upsample(heat, shape), cv2.resize(heat, shape[::-1]), atol=1e-5)


def test_upsample_leaves_full_size_maps_alone(film_pixels):
    np.testing.assert_array_equal(upsample(film_pixels, film_pixels.shape), film_pixels)


def grey(pixels):
    return np.rint(255 * pixels)[..., None].repeat(3, -1).astype(np.uint8)


@pytest.mark.parametrize("heat", [-bump(), np.zeros((6, 6)), -np.ones((6, 6))])
def test_without_positive_evidence_the_film_stays_bare(film_pixels, heat):
    np.testing.assert_array_equal(overlay(film_pixels, heat), grey(film_pixels))


def test_film_far_from_the_evidence_stays_bare_and_the_peak_is_coloured(film_pixels):
    drawn = overlay(film_pixels, bump(), opacity=1)
    np.testing.assert_array_equal(drawn[40:], grey(film_pixels)[40:])
    assert drawn.shape == (48, 48, 3)
    assert drawn.dtype == np.uint8
    assert np.ptp(drawn[20, 20].astype(int)) > 20


def test_opacity_mixes_film_and_colour():
    black, hot = np.zeros((6, 6)), np.ones((6, 6))
    end = colour_table("magma")[-1].astype(float)
    for opacity in (0.0, 0.25, 1.0):
        drawn = overlay(black, hot, colormap="magma", opacity=opacity)
        np.testing.assert_allclose(drawn[3, 3], opacity * end, atol=0.51)


def test_own_scale_hides_magnitude_and_a_shared_one_shows_it(film_pixels):
    strong, weak = bump(8.0), bump(2.0)
    np.testing.assert_array_equal(overlay(film_pixels, strong), overlay(film_pixels, weak))
    scale = shared_scale([strong, weak])
    assert scale == 8
    shared = overlay(film_pixels, weak, scale=scale)
    np.testing.assert_array_equal(shared, overlay(film_pixels, bump(1.0), scale=4.0))
    assert not np.array_equal(shared, overlay(film_pixels, strong, scale=scale))


def test_evidence_beyond_the_scale_is_clipped(film_pixels):
    np.testing.assert_array_equal(
        overlay(film_pixels, np.full((6, 6), 9.0), scale=1.0), overlay(film_pixels, np.ones((6, 6)), scale=1.0)
    )


def test_shared_scale_of_nothing_is_zero_and_can_be_used(film_pixels):
    assert shared_scale([]) == shared_scale([-bump()]) == 0
    assert shared_scale([-bump(3.0), bump(2.0)], signed=True) == 3
    np.testing.assert_array_equal(overlay(film_pixels, -bump(), scale=0.0), grey(film_pixels))


@pytest.mark.parametrize("colormap", SIGNED_COLORMAPS)
def test_signed_maps_draw_both_signs_in_different_hues(colormap):
    black = np.zeros((6, 6))
    heat = np.concatenate([np.ones((3, 6)), -np.ones((3, 6))])
    drawn = overlay(black, heat, colormap=colormap, opacity=1).astype(int)
    assert drawn[0, 0, 0] > drawn[0, 0, 2], "warm is positive"
    assert drawn[5, 0, 2] > drawn[5, 0, 0], "cold is negative"
    assert overlay(black, black, colormap=colormap).max() == 0, "zero is bare film"


@pytest.mark.parametrize("colormap", POSITIVE_COLORMAPS)
def test_positive_maps_grow_evenly_in_lightness(colormap):
    lightness = rgb2lab(colour_table(colormap)[None] / 255)[0, :, 0]
    steps = np.diff(lightness[::16])
    assert (steps > 0).all()
    assert steps.max() < 2.5 * steps.mean()


@pytest.mark.parametrize("colormap", SIGNED_COLORMAPS)
def test_signed_maps_are_dark_at_zero_and_bright_at_both_ends(colormap):
    lightness = rgb2lab(colour_table(colormap)[None] / 255)[0, :, 0]
    assert lightness[120:136].max() < 25 < 60 < min(lightness[0], lightness[-1])


def test_rainbow_maps_are_not_offered(film_pixels):
    assert not {"jet", "turbo", "rainbow", "hsv"} & set(COLORMAPS)
    with pytest.raises(ConfigError, match=r"'jet'.*inferno"):
        overlay(film_pixels, bump(), colormap="jet")


def test_other_errors(film_pixels):
    with pytest.raises(ConfigError, match=r"between 0 and 1, got 1\.5"):
        overlay(film_pixels, bump(), opacity=1.5)
    for scale in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="scale"):
            overlay(film_pixels, bump(), scale=scale)


def test_contour_runs_around_the_mask_and_nowhere_else():
    rgb, mask = np.full((40, 40, 3), 90, np.uint8), np.zeros((40, 40), bool)
    mask[10:20, 15:30] = True
    drawn = draw_contour(rgb, mask, colour=(1, 2, 3), width=2)
    changed = (drawn != rgb).any(-1)
    assert not (changed & mask).any(), "the lesion itself stays visible"
    assert (drawn[changed] == (1, 2, 3)).all()
    assert changed[8:10, 15:30].all()
    assert not changed[:8].any()
    assert (rgb == 90).all(), "the input is not written to"
    np.testing.assert_array_equal(draw_contour(rgb, mask & False), rgb)
    with pytest.raises(ValueError, match="mask of"):
        draw_contour(rgb, mask[:20])
