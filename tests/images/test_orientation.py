"""Films stored mirrored, turned or squashed that say so."""

import numpy as np
import pytest

from cxrkd.images.read import read

FULL = {"WindowCenter": 2048, "WindowWidth": 4096}
STORED = {
    # What PatientOrientation says of an array that was made from an upright film in this way.
    ("L", "F"): lambda film: film,
    ("R", "F"): lambda film: film[:, ::-1],
    ("L", "H"): lambda film: film[::-1],
    ("R", "H"): lambda film: film[::-1, ::-1],
    ("F", "L"): lambda film: film.T,
    ("F", "R"): lambda film: film[:, ::-1].T,
    ("H", "L"): lambda film: film[::-1].T,
    ("H", "R"): lambda film: film[::-1, ::-1].T,
}


@pytest.fixture
def film(make):
    return make.gradient(3000, np.uint16, 40, 50) + make.gradient(1000, np.uint16, 50, 40).T


@pytest.mark.parametrize("directions", STORED)
@pytest.mark.parametrize("tilt", ["", "A", "P"])
def test_each_of_the_eight_ways_is_set_upright(make, film, directions, tilt):
    stored = np.ascontiguousarray(STORED[directions](film))
    r = read(make.dicom(stored, PatientOrientation=[d + tilt for d in directions], **FULL), "film.dcm")
    np.testing.assert_allclose(r.pixels, film / 4095, atol=1e-6)
    assert any("PatientOrientation says" in note for note in r.notes) == (directions != ("L", "F"))


@pytest.mark.parametrize(
    "given", [["A", "F"], ["P", "F"], ["L", "P"], ["L", "R"], ["L"], ["LE", "D"], ["RL", "F"], ["UP", "X"]]
)
def test_other_directions_are_noted_and_nothing_is_guessed(make, film, given):
    r = read(make.dicom(film, PatientOrientation=given, **FULL), "film.dcm")
    np.testing.assert_allclose(r.pixels, film / 4095, atol=1e-6)
    assert "not that of a frontal film: left as stored" in r.notes[1]


@pytest.mark.parametrize("given", [None, "", ["", ""]])
def test_no_directions_no_note(make, film, given):
    assert len(read(make.dicom(film, PatientOrientation=given, **FULL), "film.dcm").notes) == 1


@pytest.mark.parametrize(
    "key", ["PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"]
)
def test_oblong_pixels_are_made_square(make, key):
    """A film of which every other row, or column, was thrown away."""
    film = make.gradient(4095, np.uint16, 64, 80)
    for stored, sides in ((film[::2], [2, 1]), (np.ascontiguousarray(film.T[:, ::2]), [1, 2])):
        r = read(make.dicom(np.ascontiguousarray(stored), **{key: sides}, **FULL), "film.dcm")
        upright = film if sides == [2, 1] else film.T
        np.testing.assert_allclose(r.pixels, upright / 4095, atol=1e-6)
        assert "which are not square" in r.notes[1]


@pytest.mark.parametrize("sides", [[0.143, 0.143], [0.143, 0.1435], [0, 1], [1], "", [-1, 2]])
def test_square_pixels_and_nonsense_change_nothing(make, sides):
    film = make.gradient(4095, np.uint16)
    assert read(make.dicom(film, ImagerPixelSpacing=sides, **FULL), "film.dcm").pixels.shape == film.shape


def test_what_is_not_believed_is_noted(make):
    film = make.gradient(4095, np.uint16)
    r = read(make.dicom(film, PixelAspectRatio=[100, 1], **FULL), "film.dcm")
    assert "not believed" in r.notes[1]
    r = read(make.dicom(film, PixelAspectRatio=[2, 1], PixelSpacing=[0.1, 0.1], **FULL), "film.dcm")
    assert r.pixels.shape == film.shape
    assert "disagree about the shape of a pixel" in r.notes[1]


def test_turning_comes_after_squaring(make):
    film = make.gradient(4095, np.uint16, 64, 80)
    stored = np.ascontiguousarray(film.T[:, ::2])
    r = read(make.dicom(stored, PatientOrientation=["F", "L"], PixelAspectRatio=[1, 2], **FULL), "film.dcm")
    np.testing.assert_allclose(r.pixels, film / 4095, atol=1e-6)
