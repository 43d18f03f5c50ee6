"""Whatever the bytes are, the answer is a radiograph or one sentence."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrkd.errors import ImageError
from cxrkd.images import Radiograph, read

EASY = settings(derandomize=True, max_examples=60, deadline=None)
STARTS = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(128) + b"DICM", b"\x08\x00\x05\x00", b"\x02\x00\x10\x00UI")


def radiograph_or_sentence(data):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        try:
            r = read(data, "upload")
        except ImageError as error:
            r, said = None, str(error)
    if r is None:
        assert said.startswith("upload")
        assert len(said) < 400
        return
    assert isinstance(r, Radiograph)
    assert np.isfinite(r.pixels).all()
    assert 0 <= r.pixels.min() < r.pixels.max() <= 1


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
