"""Films that were once read wrong, hand-made, each with its right picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrkd.images.gate import judge
from cxrkd.images.read import read
from tests.images import reference

CASES = Path(__file__).parent / "cases"
FILES = sorted(path.name for path in CASES.glob("*.*") if not path.name.startswith("right"))
# Lossy compression; and every other row thrown away, then put back by interpolation.
LOSSY = {"jpeg_fill_bytes.dcm": 2, "jpeg_three_components_mono.dcm": 2, "jpeg_8bit_in_16bit_header.dcm": 2}
TOLERANCE = LOSSY | {"pixel_aspect_2_1.dcm": 4}
ASSUMED = {
    "jpeg_8bit_in_16bit_header.dcm": "8 bits, BitsStored says 12",
    "jpeg_three_components_mono.dcm": "three components",
    "no_bitsstored.dcm": "BitsStored is absent",
    "no_pixelrepresentation.dcm": "PixelRepresentation is absent",
    "no_samplesperpixel.dcm": "SamplesPerPixel is absent",
    "orientation_mirrored.dcm": "mirrored left to right as its PatientOrientation says",
    "orientation_upside_down.dcm": "mirrored top to bottom as its PatientOrientation says",
    "pixel_aspect_2_1.dcm": "made 72 x 64 from 72 x 32 pixels",
    "rescale_empty.dcm": "RescaleSlope is empty",
    "rescale_slope_zero.dcm": "RescaleSlope is 0: 1 assumed",
    "mono2_presentationlut_inverse.dcm": "PresentationLUTShape contradicts",
    "voilut_beyond_values_window_good.dcm": "lookup table that shows nothing",
    "voilut_white_window_good.dcm": "lookup table that shows nothing",
    "voilut_item_empty.dcm": "lookup table that cannot be used",
    "voilut_short.dcm": "lacks 96 entries",
    "window_ct_default.dcm": "turns 93% of the film",
    "window_decimal_comma.dcm": "decimal comma in WindowCenter",
    "window_first_empty.dcm": "window that cannot be used",
    "window_text.dcm": "window that cannot be used",
    "window_width_below_one.dcm": "LINEAR_EXACT",
}


def picture(name):
    return np.asarray(Image.open(CASES / name)).astype(float) / 255


def right(name):
    if name.startswith("padding"):
        return picture("right_padding.png")
    if name in ("voilut_8bit_packed.dcm", "voilut_8bit_words.dcm", "voilut_minus100_implicit.dcm", "voilut_short.dcm"):
        return picture("right_voilut.png")
    film = picture("right.png")
    if name == "mono2_presentationlut_inverse.dcm":
        return 1 - film  # as PhotometricInterpretation says, with a note
    values = np.rint(film * 4095)
    if name == "window_ct_default.dcm":
        return np.clip((values - 39.5) / 399 + 0.5, 0, 1)
    if name == "window_width_below_one.dcm":
        return np.clip((values * 0.0004884 - 1) / 0.9 + 0.5, 0, 1)
    return film


def stretched(pixels, film):
    low, high = np.percentile(pixels[film], [0.5, 99.5])
    return np.where(film, np.clip((pixels - low) / (high - low), 0, 1), 0)


@pytest.mark.parametrize("name", FILES)
def test_a_case_is_read_right(name):
    if name == "jpegls_12bit.dcm":
        pytest.importorskip("gdcm", reason="needs python-gdcm, the decoder of JPEG-LS")
    r = read((CASES / name).read_bytes(), name)
    expected = right(name)
    if any("percentiles" in note for note in r.notes):
        expected = stretched(expected, expected > 0 if name.startswith("padding") else np.ones(expected.shape, bool))
    assert r.pixels.shape == expected.shape
    assert np.abs(r.pixels - expected).mean() < TOLERANCE.get(name, 1) / 255
    assumed = reference.assumptions(r.notes)
    if name in ASSUMED:
        assert any(ASSUMED[name] in note for note in r.notes)
    elif name.endswith(".dcm"):
        assert not assumed


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".dcm") and not name.startswith("jpeg")])
def test_the_reference_reads_a_case_the_same_way_or_not_at_all(name):
    data = (CASES / name).read_bytes()
    r, expected = read(data, name), reference.decode(data)
    if expected is None:
        assert reference.assumptions(r.notes)
    else:
        np.testing.assert_allclose(r.pixels, expected, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in FILES if "padding" not in name])
def test_the_gate_takes_what_is_read_right_for_a_chest_film(name):
    if name in ("mono2_presentationlut_inverse.dcm", "window_ct_default.dcm", "window_width_below_one.dcm"):
        pytest.skip("a picture that the file wants so, and that is not a film as it should be")
    if name == "jpegls_12bit.dcm":
        pytest.importorskip("gdcm", reason="needs python-gdcm, the decoder of JPEG-LS")
    assert judge(read((CASES / name).read_bytes(), name)).passed
