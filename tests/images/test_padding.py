"""Padding is black and has no part in the scaling; everything is held against `reference.py` or a closed form."""

import numpy as np
import pytest

from cxrkd.images.read import read
from tests.images import reference

FULL = {"WindowCenter": 2048, "WindowWidth": 4096}


@pytest.fixture
def framed(make):
    """Bytes of a film of 1000 to 3000 (or less `offset`) in a frame of `value`."""

    def build(value, kind="US", offset=0, dtype=np.uint16, **tags):
        values = (make.gradient(2000, np.int64) + 1000 - offset).astype(dtype)
        values[:8] = value
        limit = tags.pop("limit", None)
        ds = make.film(values, **tags)
        ds.add_new("PixelPaddingValue", kind, tags.pop("declared", value))
        if limit is not None:
            ds.add_new("PixelPaddingRangeLimit", kind, limit)
        return make.write(ds)

    return build


def agreed(data):
    r = read(data, "film.dcm")
    np.testing.assert_allclose(r.pixels, reference.decode(data), atol=1e-5)
    assert not reference.assumptions(r.notes)
    return r


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("value", [0, 4095, 65535])
@pytest.mark.parametrize("tags", [{}, FULL, {"RescaleSlope": -1, "RescaleIntercept": 4095} | FULL])
def test_a_frame_is_black_and_the_film_spans_all_tones(framed, photometric, value, tags):
    r = agreed(framed(value, PhotometricInterpretation=photometric, **tags))
    assert (r.pixels[:8] == 0).all()
    assert r.pixels[8:].min() < 0.01
    assert r.pixels[8:].max() > 0.99
    assert any("padding (17% of the image) drawn black" in note for note in r.notes)


@pytest.mark.parametrize(("value", "limit"), [(0, 900), (900, 0), (500, 0), (0, 0), (3500, 65535), (65535, 3500)])
def test_a_range_of_padding_may_stand_in_either_order(make, framed, value, limit):
    assert (agreed(framed(value, limit=limit)).pixels[:8] == 0).all()


@pytest.mark.parametrize(("kind", "declared"), [("SS", -2000), ("US", 63536)])
def test_padding_has_the_sign_of_the_pixels_whatever_its_element_is_written_as(framed, kind, declared):
    assert (agreed(framed(-2000, kind, 2000, np.int16, declared=declared)).pixels[:8] == 0).all()
    assert (agreed(framed(63536, kind, declared=declared)).pixels[:8] == 0).all()


def test_padding_that_has_no_place_in_the_bits_stored_is_the_whole_cell(framed):
    r = read(framed(65535, BitsStored=12, HighBit=11), "film.dcm")
    assert (r.pixels[:8] == 0).all()
    assert r.pixels[8:].max() > 0.99


def test_a_range_that_leaves_no_film_is_passed_over_and_noted(framed):
    r = read(framed(0, limit=65535), "film.dcm")
    assert "nearly all of the image would be padding" in r.notes[-1]
    assert r.pixels[8:].max() > 0.99


def test_a_limit_without_a_value_is_noted(make):
    ds = make.film(make.gradient(4095, np.uint16), **FULL)
    ds.add_new("PixelPaddingRangeLimit", "US", 100)
    assert "PixelPaddingValue is absent" in read(make.write(ds), "film.dcm").notes[-1]


def test_no_pixel_of_padding_no_note(make):
    ds = make.film(make.gradient(4000, np.uint16), **FULL)
    ds.add_new("PixelPaddingValue", "US", 4095)
    assert not any("padding" in note for note in read(make.write(ds), "film.dcm").notes)
