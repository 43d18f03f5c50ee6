"""Seeded mutations of small films, for the fuzz: of header elements, and of bytes anywhere."""

import struct

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


NUMBERS = rb",0,1,2,-1,0.5,4095,2048,65535,1e9,nan,NORMAL,1\2,\2048,40\2048,1\1,-1024,1e-9,1e300,+5., 7 ".split(b",")
NUMBERS += [b"2048,0", bytes(2)]
WORDS = rb",MONOCHROME1,monochrome1,RGB,PALETTE COLOR,MONOCHROME,LINEAR,SIGMOID,S_CURVE,INVERSE,L\F,R\F,A\F,X".split(
    b","
)
SHORTS = [0, 1, 2, 3, 7, 8, 9, 11, 12, 13, 15, 16, 17, 24, 32, 36, 40, 64, 100, 4095, 32768, 65436, 65535]
TEXT = ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "PixelAspectRatio", "PixelSpacing")
WORDY = ("PhotometricInterpretation", "VOILUTFunction", "PresentationLUTShape", "PatientOrientation")
BINARY = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel")
BINARY += ("PixelPaddingValue", "PixelPaddingRangeLimit")
TABLES = ("VOILUTSequence", "ModalityLUTSequence")
HEADER = TEXT + WORDY + BINARY + TABLES


PLAUSIBLE = {
    "WindowCenter": [b"2048", b"1500", b"0", b"2000.5", b"2.5"],
    "WindowWidth": [b"4096", b"2000", b"1.5", b"3000.25", b"60000"],
    "RescaleSlope": [b"1", b"2", b"-1", b"0.5", b"0.001"],
    "RescaleIntercept": [b"0", b"-1024", b"100", b"4095", b"0.5"],
    "PixelAspectRatio": [b"1\\1", b"2\\1", b"1\\2", b"3\\2"],
    "PixelSpacing": [b"0.1\\0.1", b"0.2\\0.1", b"0.14\\0.2"],
    "PhotometricInterpretation": [b"MONOCHROME1", b"MONOCHROME2"],
    "VOILUTFunction": [b"LINEAR", b"LINEAR_EXACT", b"SIGMOID"],
    "PresentationLUTShape": [b"INVERSE", b"IDENTITY"],
    "PatientOrientation": [b"L\\F", b"R\\F", b"L\\H", b"R\\H", b"F\\L", b"F\\R", b"H\\L", b"H\\R", b"LA\\FA"],
    "Rows": [36],
    "Columns": [36],
    "BitsAllocated": [16],
    "BitsStored": [10, 11, 12, 13, 14, 16],
    "HighBit": [11, 12, 13, 15],
    "PixelRepresentation": [0, 1],
    "SamplesPerPixel": [1],
    "PixelPaddingValue": [0, 1000, 1999, 2500, 63536, 65535],
    "PixelPaddingRangeLimit": [0, 1000, 2100, 64000],
}


def header(rng):
    """One to three elements and their new bytes; None takes one away."""
    keywords = rng.choice(HEADER, rng.integers(1, 4), replace=False)
    return {str(keyword): None if rng.random() < 0.15 else _value(rng, keyword) for keyword in keywords}


def _value(rng, keyword):
    if keyword in TABLES:
        return table(rng)
    if rng.random() < 0.7:
        value = PLAUSIBLE[keyword][rng.integers(0, len(PLAUSIBLE[keyword]))]
        return value if isinstance(value, bytes) else struct.pack("<H", value)
    if keyword in BINARY:
        return rng.choice(SHORTS).astype("<u2").tobytes() * int(rng.choice([1, 1, 1, 1, 2, 0]))
    return bytes(rng.choice(NUMBERS if keyword in TEXT else WORDS))


def table(rng):
    """A sequence of one lookup table, which may be wrong in any of its parts."""
    bits = int(rng.choice([0, 8, 8, 10, 12, 12, 16, 17]))
    n = int(rng.choice([0, 16, 256, 256, 255, 1000]))
    entries = np.sort(rng.integers(0, 2 ** min(max(bits, 1), 16), int(rng.choice([n, n, n, n // 2, n + 3]))))
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [n, int(rng.choice([0, 0, 100, 65436, 30000])), bits])
    packed = bits == 8 and rng.random() < 0.5
    item.add_new(
        "LUTData", "OW", entries.astype("u1" if packed else "<u2").tobytes() + bytes(packed * (len(entries) % 2))
    )
    return [] if rng.random() < 0.1 else [item]


def anywhere(rng, data, early=0.7):
    """Bytes with bits flipped, overwritten, cut out, doubled or cut off, more often near the beginning."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, min(len(data), 700) if rng.random() < early else len(data)))
        how = rng.integers(0, 5)
        if how == 0:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif how == 1:
            data[at : at + 4] = rng.integers(0, 256, 4, dtype=np.uint8).tobytes()
        elif how == 2:
            del data[at : at + int(rng.integers(1, 9))]
        elif how == 3:
            data[at:at] = data[at : at + int(rng.integers(1, 9))]
        elif rng.random() < 0.3:
            del data[max(at, 8) :]
    return bytes(data)
