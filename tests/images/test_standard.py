"""Whatever a well-formed header says, the product shows what the standard says: held against `reference.py`."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cxrkd.errors import ImageError
from cxrkd.images.read import read
from tests.images import reference

FUNCTIONS = (None, "LINEAR", "LINEAR_EXACT", "SIGMOID")


def scene(rng, bits, signed):
    """Blobs, and a border: integers (36, 40) over most of the range that there is."""
    y, x = np.mgrid[:36, :40] / 20 - 1
    blobs = sum(rng.normal() * np.exp(-((x - rng.normal()) ** 2 + (y - rng.normal()) ** 2) * 3) for _ in range(6))
    unit = (blobs - blobs.min()) / np.ptp(blobs)
    low = -(2 ** (bits - 1)) if signed else 0
    return low + np.rint(unit * (2**bits - 1) * rng.uniform(0.3, 1)).astype(np.int64)


def cells(values, rng, allocated, stored, high):
    """Values in bits `high` and below of cells whose other bits hold anything."""
    shift = high + 1 - stored
    field = ((1 << stored) - 1) << shift
    noise = rng.integers(0, 1 << allocated, values.shape) & ~field
    return (((values << shift) & field) | noise).astype(f"<u{allocated // 8}")


def table(first, entries, bits, packed=False):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first % 65536, bits])
    if packed:
        item.add_new("LUTData", "OW", np.asarray(entries, "u1").tobytes() + bytes(len(entries) % 2))
    else:
        item.add_new("LUTData", "US", [int(entry) for entry in entries])
    return [item]


@st.composite
def headers(draw):
    """Elements of a film and its cells."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    allocated = draw(st.sampled_from([8, 16, 16, 16]))
    stored = draw(st.integers(6, allocated))
    high = draw(st.integers(stored - 1, allocated - 1))
    signed = draw(st.booleans())
    values = scene(rng, stored, signed)
    tags = {"BitsAllocated": allocated, "BitsStored": stored, "HighBit": high, "PixelRepresentation": int(signed)}
    tags["PhotometricInterpretation"] = draw(st.sampled_from(["MONOCHROME1", "MONOCHROME2"]))
    tags |= draw_padding(draw, rng, values, signed)
    low, top, more = draw_modality(draw, rng, values)
    tags |= more
    if draw(st.booleans()):
        tags["WindowCenter"] = round(draw(st.floats(low, top)), 2)
        tags["WindowWidth"] = round(draw(st.floats(1.05, 2 * (top - low) + 2)), 2)
        if function := draw(st.sampled_from(FUNCTIONS)):
            tags["VOILUTFunction"] = function
    if draw(st.integers(0, 2)) == 0:
        bits = draw(st.sampled_from([8, 10, 12, 16]))
        n = draw(st.integers(8, min(max(9, int(top - low) + 2), 5000)))
        curve = np.rint(np.linspace(0, 1, n) ** draw(st.sampled_from([0.5, 1, 2])) * (2**bits - 1)).astype(int)
        tags["VOILUTSequence"] = table(int(low), curve, bits, packed=bits == 8 and draw(st.booleans()))
    return cells(values, rng, allocated, stored, high), tags


def draw_padding(draw, rng, values, signed):
    if not draw(st.booleans()):
        return {}
    value = int(draw(st.sampled_from([int(values.min()), int(values.max()), 0])))
    values[:, :5] = value if value else values.min()
    kind = "SS" if signed else "US"
    tags = {"PixelPaddingValue": (kind, int(values[0, 0]))}
    if draw(st.booleans()):
        near = int(np.clip(values[0, 0] + draw(st.integers(-20, 20)), values.min(), values.max()))
        tags["PixelPaddingRangeLimit"] = (kind, near)
    return tags


def draw_modality(draw, rng, values):
    """Smallest and largest value after it, and elements."""
    low, top = int(values.min()), int(values.max())
    how = draw(st.sampled_from(["none", "whole", "fractions", "table"]))
    if how == "none":
        return low, top, {}
    if how == "table":
        bits = draw(st.sampled_from([8, 10, 12, 16]))
        curve = np.rint(np.linspace(1, 0, top - low + 1) * (2**bits - 1)).astype(int)
        assume(len(curve) < 5000)
        packed = bits == 8 and draw(st.booleans())
        return 0, 2**bits - 1, {"ModalityLUTSequence": table(low, curve, bits, packed)}
    slope = draw(st.sampled_from([1, 2, -1, 3])) if how == "whole" else draw(st.sampled_from([0.25, 0.1, -1.5]))
    intercept = draw(st.integers(-2000, 2000)) * (1 if how == "whole" else 0.5)
    ends = sorted([low * slope + intercept, top * slope + intercept])
    return *ends, {"RescaleSlope": slope, "RescaleIntercept": intercept}


def written(make, pixels, tags, syntax=ExplicitVRLittleEndian):
    typed = {key: value for key, value in tags.items() if isinstance(value, tuple)}
    ds = make.film(pixels, **{key: value for key, value in tags.items() if key not in typed})
    for key, (kind, value) in typed.items():
        ds.add_new(key, kind, value)
    return make.write(ds, syntax)


@pytest.mark.slow
@settings(derandomize=True, max_examples=300, deadline=None)
@given(headers(), st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian]))
def test_a_film_is_what_the_standard_says(make, film, syntax):
    data = written(make, *film, syntax)
    expected = reference.decode(data)
    if expected is not None and np.ptp(expected) < 2 / 255:
        with pytest.raises(ImageError, match="blank"):
            read(data, "film.dcm")
        return
    r = read(data, "film.dcm")
    if expected is None:
        assert reference.assumptions(r.notes)
        return
    assert not reference.assumptions(r.notes)
    # A value on the edge between two entries of a table, or of the nine tenths, may fall to either side.
    assert (np.abs(r.pixels - expected) > 1e-3).mean() < 0.005
