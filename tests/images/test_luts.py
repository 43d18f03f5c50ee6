"""Lookup tables and windows as files really hold them."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cxrkd.images.read import read
from tests.images import reference

FULL = {"WindowCenter": 2048, "WindowWidth": 4096}
ROOT = np.sqrt(np.linspace(0, 1, 4096))


def item(data, n, first, bits, kind="OW", descriptor="US"):
    found = Dataset()
    found.add_new("LUTDescriptor", descriptor, [n, first, bits])
    found.add_new("LUTData", kind, data)
    return found


def words(bits, curve=ROOT):
    return np.rint(curve * (2**bits - 1)).astype("<u2")


def as_root(pixels, values, atol=1 / 255):
    np.testing.assert_allclose(pixels, ROOT[values], atol=atol)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("how", ["words", "list", "packed"])
def test_entries_of_any_bits_in_any_packing(make, bits, how, syntax):
    if how == "packed" and bits > 8:
        pytest.skip("only entries of 8 bits can be packed")
    values, entries = make.gradient(4095, np.uint16), words(bits)
    data = {"words": entries.tobytes(), "list": entries.tolist(), "packed": entries.astype("u1").tobytes()}[how]
    sequence = [item(data, 4096, 0, bits, "US" if how == "list" else "OW")]
    r = read(make.write(make.film(values, VOILUTSequence=sequence), syntax), "film.dcm")
    as_root(r.pixels, values)
    assert r.notes == ("lookup table of the file applied",)


def test_an_odd_number_of_packed_entries(make):
    values = np.minimum(make.gradient(255, np.uint16), 254)
    data = bytes(range(255)) + b"\0"
    r = read(make.write(make.film(values, VOILUTSequence=[item(data, 255, 0, 8)])), "film.dcm")
    np.testing.assert_allclose(r.pixels, values / 255, atol=1e-6)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_no_entries_means_65536(make, syntax):
    values = make.gradient(65535, np.uint16)
    ds = make.film(values, VOILUTSequence=[item(np.arange(65535, -1, -1).astype("<u2").tobytes(), 0, 0, 16)])
    np.testing.assert_allclose(read(make.write(ds, syntax), "film.dcm").pixels, 1 - values / 65535, atol=1e-6)


@pytest.mark.parametrize(("descriptor", "first"), [("SS", -100), ("US", 65436)])
@pytest.mark.parametrize("how", ["signed pixels", "rescaled"])
def test_a_first_value_below_zero(make, descriptor, first, how):
    values = make.gradient(4095, np.uint16)
    tags = {"RescaleSlope": 1, "RescaleIntercept": -100}
    if how == "signed pixels":
        tags = {"PixelRepresentation": 1}
    pixels = values if how == "rescaled" else (values.astype(np.int16) - 100)
    sequence = [item(words(12).tobytes(), 4096, first, 12, descriptor=descriptor)]
    r = read(make.write(make.film(pixels, VOILUTSequence=sequence, **tags)), "film.dcm")
    as_root(r.pixels, values)
    assert not reference.assumptions(r.notes)


def test_a_first_value_that_lost_its_sign_is_given_it_back_with_a_note(make):
    """Nothing here can be negative, but as it is written the table would show one tone only."""
    values = make.gradient(4079, np.uint16)
    r = read(make.write(make.film(values, VOILUTSequence=[item(words(12).tobytes(), 4096, 65520, 12)])), "film.dcm")
    as_root(r.pixels, values + 16)
    assert any("read with a sign" in note for note in r.notes)


WHITE = item(np.full(4096, 4095, "<u2").tobytes(), 4096, 0, 12)
GOOD = item(words(12).tobytes(), 4096, 0, 12)
BAD = {
    "empty": Dataset(),
    "white": WHITE,
    "beyond": item(words(12).tobytes(), 4096, 30000, 12),
    "cut": item(words(12)[:100].tobytes(), 4096, 0, 12),
    "no data": item(b"", 4096, 0, 12),
}


@pytest.mark.parametrize("bad", BAD)
def test_the_next_table_then_the_window_then_percentiles(make, bad):
    values = make.gradient(4095, np.uint16)
    r = read(make.write(make.film(values, VOILUTSequence=[BAD[bad], GOOD], **FULL)), "film.dcm")
    as_root(r.pixels, values)
    assert "passed over: lookup table that" in r.notes[1]
    r = read(make.write(make.film(values, VOILUTSequence=[BAD[bad], BAD[bad]], **FULL)), "film.dcm")
    np.testing.assert_allclose(r.pixels, values / 4095, atol=1e-6)
    assert "passed over: lookup table that" in r.notes[1]
    r = read(make.write(make.film(values, VOILUTSequence=[BAD[bad]])), "film.dcm")
    assert np.abs(r.pixels - values / 4095).max() < 0.02
    assert "no window in the file is of use (lookup table that" in r.notes[0]


def test_entries_larger_than_their_bits_are_noted_and_not_cut(make):
    values = make.gradient(4095, np.uint16)
    r = read(make.write(make.film(values, VOILUTSequence=[item(words(12).tobytes(), 4096, 0, 8)])), "film.dcm")
    as_root(r.pixels, values)
    assert "12 assumed" in r.notes[1]


@pytest.mark.parametrize(("bits", "packed"), [(8, False), (8, True), (10, False), (12, False), (16, False)])
def test_modality_tables_of_any_bits(make, bits, packed):
    values = make.gradient(4095, np.uint16)
    entries = words(bits, np.linspace(1, 0, 4096))
    data = entries.astype("u1").tobytes() if packed else entries.tobytes()
    tags = {"WindowCenter": 2 ** (bits - 1), "WindowWidth": 2**bits}
    r = read(make.write(make.film(values, ModalityLUTSequence=[item(data, 4096, 0, bits)], **tags)), "film.dcm")
    np.testing.assert_allclose(r.pixels, 1 - values / 4095, atol=1 / 255)


def test_a_modality_table_that_is_none_is_noted(make):
    r = read(make.write(make.film(make.gradient(4095, np.uint16), ModalityLUTSequence=[Dataset()], **FULL)), "film.dcm")
    np.testing.assert_allclose(r.pixels, make.gradient(4095, np.uint16) / 4095, atol=1e-6)
    assert any("modality lookup table cannot be used" in note for note in r.notes)


def raw(make, **texts):
    """A film with elements of exactly these texts."""
    return make.write(make.with_texts(make.film(make.gradient(4095, np.uint16)), **texts))


@pytest.mark.parametrize(
    ("centre", "width"),
    [("2048,0", "4096"), ("NORMAL\\2048", "NORMAL\\4096"), ("\\2048", "\\4096"), ("0\\2048", "0\\4096"),
     ("nan\\2048", "1\\4096"), ("60000\\2048", "10\\4096"), ("2048\\40", "4096\\-1"),
     (" 2048 ", "+4096."), ("2.048e3", "4096")],
)  # fmt: skip
def test_the_first_window_that_can_be_used_is_used(make, centre, width):
    r = read(raw(make, WindowCenter=centre, WindowWidth=width), "film.dcm")
    np.testing.assert_allclose(r.pixels, make.gradient(4095, np.uint16) / 4095, atol=1e-6)


@pytest.mark.parametrize("text", ["NORMAL", "2,048", "nan", "inf", "1_000", "", "--5", "0x10"])
def test_a_window_that_is_no_number_gives_way_to_percentiles(make, text):
    r = read(raw(make, WindowCenter=text, WindowWidth="4096"), "film.dcm")
    assert "no window in the file is of use (window that cannot be used)" in r.notes[0]
    assert np.abs(r.pixels - make.gradient(4095, np.uint16) / 4095).max() < 0.02


@pytest.mark.parametrize("text", ["", "0", "nan", "NONE", "inf", "-0.0"])
def test_a_slope_that_is_none_is_1_and_noted(make, text):
    r = read(raw(make, RescaleSlope=text, RescaleIntercept="0", WindowCenter="2048", WindowWidth="4096"), "film.dcm")
    np.testing.assert_allclose(r.pixels, make.gradient(4095, np.uint16) / 4095, atol=1e-6)
    assert any("RescaleSlope is" in note and "1 assumed" in note for note in r.notes)


@pytest.mark.parametrize(("slope", "intercept"), [("0,5", "-1,5"), ("0.5\\1", "-1.5\\0"), ("\\0.5", "-1.5")])
def test_odd_ways_to_write_a_slope(make, slope, intercept):
    tags = {"WindowCenter": "1022.75", "WindowWidth": "2047.5", "VOILUTFunction": "LINEAR_EXACT"}
    r = read(raw(make, RescaleSlope=slope, RescaleIntercept=intercept, **tags), "film.dcm")
    expected = np.clip((make.gradient(4095, np.uint16) * 0.5 - 1.5 - 1022.75) / 2047.5 + 0.5, 0, 1)
    np.testing.assert_allclose(r.pixels, expected, atol=1e-5)


@pytest.mark.parametrize("width", [0.5, 0.9, 1])
@pytest.mark.parametrize("function", [None, "LINEAR"])
def test_a_narrow_window_on_fractions_is_not_a_step(make, width, function):
    values = make.gradient(4095, np.uint16)
    tags = {"RescaleSlope": 1 / 4096, "RescaleIntercept": 0, "WindowCenter": 0.5, "WindowWidth": width}
    if function:
        tags["VOILUTFunction"] = function
    r = read(make.dicom(values, **tags), "film.dcm")
    np.testing.assert_allclose(r.pixels, np.clip((values / 4096 - 0.5) / width + 0.5, 0, 1), atol=1e-3)
    assert any("LINEAR_EXACT" in note for note in r.notes)


def test_an_unknown_function_is_linear_and_noted(make):
    r = read(make.dicom(make.gradient(4095, np.uint16), VOILUTFunction="S_CURVE", **FULL), "film.dcm")
    np.testing.assert_allclose(r.pixels, make.gradient(4095, np.uint16) / 4095, atol=1e-6)
    assert "VOILUTFunction is not one that is known" in r.notes[1]
