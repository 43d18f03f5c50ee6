"""The one route from bytes to a film, and what a film knows of itself."""

import io

import numpy as np
import pytest
from PIL import Image

from cxrkd.images.files import film_of
from cxrkd.images.film import Film, Truth
from cxrkd.images.gate import Verdict
from cxrkd.images.read import read

LABELS = ("Mass", "Edema", "Hernia")


def png(pixels, mode=None):
    out = io.BytesIO()
    Image.fromarray(pixels, mode).save(out, "PNG")
    return out.getvalue()


def truth(*targets):
    return Truth(LABELS, np.array(targets, np.float32), lambda side: np.zeros((3, side, side), bool))


def film(name="a", tones=None, **known):
    tones = np.zeros((4, 4), np.uint8) if tones is None else tones
    return Film(name, tones, lambda: tones / np.float32(255), **known)


def test_a_file_becomes_a_film_of_the_right_size_with_its_notes():
    wide = np.tile(np.arange(0, 120, dtype=np.uint8), (60, 1)) * 2
    found = film_of(png(wide), "wide.png", 48)
    assert found.pixels.shape == (48, 48)
    assert found.real
    assert found.truth is None
    assert any("50%" in note for note in found.notes), "half of the width is cropped away"
    np.testing.assert_array_equal(found.read(), wide / np.float32(255))
    assert found.sha256 == read(png(wide), "other.png").sha256


@pytest.mark.parametrize(
    ("targets", "present"),
    [
        ((1, 0, np.nan), ("Mass",)),
        ((0, 0, 0), ()),
        ((0, 0, np.nan), None),
        ((np.nan, np.nan, np.nan), None),
    ],
)
def test_a_film_with_an_unknown_label_may_have_that_finding(targets, present):
    assert truth(*targets).present == present
    assert film(truth=truth(*targets)).present == present
    assert film().present is None


def test_a_row_is_hashed_only_when_somebody_asks():
    tones = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    reads = []

    def whole():
        reads.append(1)
        return tones / np.float32(255)

    row = Film("row", tones, whole)
    assert row.key.startswith("row-")
    assert row.key.endswith("@64")
    assert Film("row", tones[::-1], whole).key != row.key, "a row of the same name in another data set"
    assert row.to_dict()["sha256"] == ""
    assert not reads
    assert row.sha256 == read(png(tones), "file.png").sha256
    assert row.sha256
    assert reads == [1]


def test_what_a_cache_is_keyed_by_changes_with_the_size():
    data = png(np.random.default_rng(0).integers(0, 256, (90, 70), np.uint8))
    small, large = film_of(data, "a.png", 32), film_of(data, "b.png", 48)
    assert small.sha256 == large.sha256
    assert small.key != large.key
    assert film_of(data, "b.png", 32).key == small.key


def test_the_same_tones_in_colour_are_another_film_to_a_visitor():
    grey = film(digest="abc", gate=Verdict(True, "chest", "", 0.9))
    colour = film(digest="abc", gate=Verdict(False, "colour", "It is a picture in colour.", 0.0))
    assert grey.key == colour.key
    assert grey.identity != colour.identity
    assert (grey.flagged, colour.flagged, film().flagged) == (False, True, False)
