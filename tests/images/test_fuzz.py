"""Whatever the bytes are, the answer is a radiograph or one sentence."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrkd.errors import ImageError
from cxrkd.images.radiograph import Radiograph
from cxrkd.images.read import read
from tests.images import mutations, reference

EASY = settings(derandomize=True, max_examples=60, deadline=None)
CASES = Path(__file__).parent / "cases"
STARTS = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(128) + b"DICM", b"\x08\x00\x05\x00", b"\x02\x00\x10\x00UI")


def radiograph_or_sentence(data):
    """The radiograph, if it is one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        try:
            r = read(data, "upload")
        except ImageError as error:
            r, said = None, str(error)
    if r is None:
        assert said.startswith("upload")
        assert len(said) < 400
        return None
    assert isinstance(r, Radiograph)
    assert np.isfinite(r.pixels).all()
    assert 0 <= r.pixels.min() < r.pixels.max() <= 1
    return r


@EASY
@given(st.sampled_from(STARTS), st.binary(max_size=400))
def test_random_bytes(start, rest):
    radiograph_or_sentence(start + rest)


@pytest.fixture(scope="module")
def originals(make):
    noise = np.random.default_rng(0).integers(0, 4096, (40, 44), dtype=np.uint16)
    tags = {"WindowCenter": 2048, "WindowWidth": 4096, "RescaleSlope": 1, "RescaleIntercept": 0}
    return {
        "png8": make.encode((noise >> 4).astype(np.uint8)),
        "png16": make.encode(noise),
        "jpeg": make.encode((noise >> 4).astype(np.uint8), "JPEG"),
        "dicom": make.dicom(noise, **tags),
        "headerless": make.dicom(noise, header=False, **tags),
    }


def test_the_originals_are_readable(originals):
    for data in originals.values():
        assert isinstance(read(data, "upload"), Radiograph)


@EASY
@given(
    st.sampled_from(["png8", "png16", "jpeg", "dicom", "headerless"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=6),
)
def test_flipped_bits_anywhere(originals, kind, flips):
    data = bytearray(originals[kind])
    for where, bit in flips:
        data[int(where * (len(data) - 1))] ^= 1 << bit
    radiograph_or_sentence(bytes(data))


@EASY
@given(st.sampled_from(["png8", "jpeg", "dicom", "headerless"]), st.integers(0, 900), st.binary(min_size=1, max_size=4))
def test_overwritten_headers(originals, kind, at, patch):
    data = bytearray(originals[kind])
    at %= len(data) - len(patch)
    data[at : at + len(patch)] = patch
    radiograph_or_sentence(bytes(data))


@EASY
@given(st.integers(200, 4000), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 7)), max_size=3))
def test_cut_and_flipped_jpeg_2000_in_dicom(rg1, end, flips):
    data = bytearray(rg1["J2KI"][:end])
    for at, bit in flips:
        data[at % len(data)] ^= 1 << bit
    radiograph_or_sentence(bytes(data))


def judged(data):
    """Whether a picture was accepted; never one that the standard contradicts, and never a guess without a note."""
    r = radiograph_or_sentence(data)
    if r is None or reference.assumptions(r.notes):
        return r is not None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = reference.decode(data)
    except reference.UnreadableError:
        return True
    assert expected is not None, r.notes
    assert expected.shape == r.pixels.shape, r.notes
    # Where a value falls on the edge between two entries of a table it may go to either.
    assert (np.abs(expected - r.pixels) > 2e-3).mean() < 0.01, r.notes
    return True


def small_film(make, rng, dtype=np.uint16, **tags):
    y, x = np.mgrid[:36, :36]
    values = (2000 + 900 * np.sin(x / 7) + 700 * np.cos(y / 5) + rng.normal(0, 40, x.shape)).astype(dtype)
    return make.film(values, **({"BitsStored": 12, "HighBit": 11} | tags))


FULL = {"WindowCenter": 2048, "WindowWidth": 4096}
FILMS = [
    {},
    FULL,
    FULL | {"RescaleSlope": 1, "RescaleIntercept": -100},
    FULL | {"PhotometricInterpretation": "MONOCHROME1", "PatientOrientation": ["R", "F"]},
    FULL | {"PixelRepresentation": 1, "VOILUTFunction": "SIGMOID"},
    {
        "BitsStored": 16,
        "HighBit": 15,
        "RescaleSlope": 0.001,
        "RescaleIntercept": 0,
        "WindowCenter": 2,
        "WindowWidth": 3,
    },
]


@pytest.mark.slow
def test_2000_films_with_mutated_pixel_headers(make):
    rng = np.random.default_rng(1)
    accepted = 0
    for n in range(2000):
        ds = make.with_texts(small_film(make, rng, **FILMS[n % len(FILMS)]), **mutations.header(rng))
        syntax = mutations.SYNTAXES[n % 2]
        accepted += judged(make.write(ds, syntax))
    assert accepted > 500, "a fuzz in which nearly all is refused shows nothing"


@pytest.mark.slow
def test_1000_dicom_files_with_mutated_bytes(make, originals):
    rng = np.random.default_rng(2)
    plain = [make.write(small_film(make, rng, **tags)) for tags in FILMS]
    compressed = [(CASES / f"{name}.dcm").read_bytes() for name in ("jpeg_fill_bytes", "jpegls_12bit")]
    for n in range(700):
        judged(mutations.anywhere(rng, plain[n % len(plain)]))
    for n in range(300):
        radiograph_or_sentence(mutations.anywhere(rng, compressed[n % len(compressed)], early=0.9))


@pytest.mark.slow
def test_1000_png_and_jpeg_files_with_mutated_bytes(make, originals):
    rng = np.random.default_rng(3)
    files = [originals["png8"], originals["png16"], originals["jpeg"], (CASES / "rgb16_14bit.png").read_bytes()]
    for n in range(1000):
        radiograph_or_sentence(mutations.anywhere(rng, files[n % len(files)]))
