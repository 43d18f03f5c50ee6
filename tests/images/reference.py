"""What an uncompressed DICOM film must look like, written from the standard (PS3.3 C.7.6.3, C.11; PS3.5 8.1) in NumPy.

It shares nothing with the code under test but pydicom as a parser, and it knows nothing of files that the standard does
not define: for those it answers None, and the product has to refuse them or to say what it assumed.
"""

import io
import re

import numpy as np
import pydicom

# The product's notes on what the standard leaves no doubt about; any other note tells of an assumption.
ORDINARY = re.compile(
    r"(window|lookup table|modality lookup table) of the file applied|tones scaled|no window in the file: |inverted: |"
    r"padding \(|mirrored |turned by |made \d|the file says|raw detector|the file's \w+( \w+)? turns|bits outside"
)


class UndefinedError(Exception):
    """The standard does not say what the picture is."""


class UnreadableError(Exception):
    """pydicom cannot make a value of an element's bytes, so nothing is claimed about the picture."""


def assumptions(notes):
    return [note for note in notes if not ORDINARY.match(note)]


def decode(data):
    """Float64 (H, W) in [0, 1] as the product must show it; None where the standard does not define it.

    Raises:
        UnreadableError: an element that is needed has the wrong kind or length.
    """
    try:
        return show(pydicom.dcmread(io.BytesIO(data), force=True))
    except UndefinedError:
        return None
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, NotImplementedError) as error:
        raise UnreadableError from error


def require(holds):
    if not holds:
        raise UndefinedError


def show(ds):
    values, bits, signed = stored(ds)
    film = ~padding(ds, values, signed)
    require(film.mean() > 0.01)
    values, negative = modality(ds, values, bits, signed)
    pixels = voi(ds, values, film, negative)
    low, high = np.percentile((values if pixels is None else pixels)[film], [0.5, 99.5])
    if pixels is not None:
        require(high - low >= 2 / 255)
        low, high = (0, 1) if high - low >= 0.9 else (low, high)
    elif high <= low:
        low, high = values[film].min(), values[film].max()
    pixels = np.clip(((values if pixels is None else pixels) - low) / max(high - low, 1e-12), 0, 1)
    if photometric(ds) == "MONOCHROME1":
        pixels = 1 - pixels
    pixels[~film] = 0
    return stand(ds, square(ds, pixels))


def one(ds, keyword, default=None):
    """A single number."""
    value = ds.get(keyword, default)
    if isinstance(value, (list, pydicom.multival.MultiValue)):
        require(len(set(value)) == 1 or keyword.startswith("Window"))
        value = value[0]
    return real(value)


def real(value):
    try:
        value = float(value)
    except (ValueError, TypeError) as error:
        raise UndefinedError from error
    require(np.isfinite(value))
    return value


def photometric(ds):
    return str(ds.get("PhotometricInterpretation", "")).strip().upper()


def stored(ds):
    """PS3.5, 8.1.1: cells of BitsAllocated; the value has BitsStored bits, the highest of them HighBit."""
    require(photometric(ds) in ("MONOCHROME1", "MONOCHROME2"))
    rows, columns = int(one(ds, "Rows")), int(one(ds, "Columns"))
    require(one(ds, "SamplesPerPixel") == 1 and one(ds, "NumberOfFrames", 1) == 1)
    allocated, bits, high = (int(one(ds, key)) for key in ("BitsAllocated", "BitsStored", "HighBit"))
    sign = one(ds, "PixelRepresentation")
    require(allocated in (8, 16, 32) and 1 <= bits <= high + 1 <= allocated and sign in (0, 1))
    size = rows * columns * allocated // 8
    require(len(ds.PixelData) == size + size % 2)
    cells = np.frombuffer(ds.PixelData[:size], f"<u{allocated // 8}").reshape(rows, columns).astype(np.int64)
    values = (cells // 2 ** (high + 1 - bits)) % 2**bits
    if sign:
        values = np.where(values >= 2 ** (bits - 1), values - 2**bits, values)
    return values, bits, bool(sign)


def padding(ds, values, signed):
    """C.7.5.1.1.2: stored values from PixelPaddingValue to PixelPaddingRangeLimit, whichever is the larger."""
    if "PixelPaddingValue" not in ds:
        require("PixelPaddingRangeLimit" not in ds)
        return np.zeros(values.shape, bool)
    ends = [int(one(ds, "PixelPaddingValue"))]
    if "PixelPaddingRangeLimit" in ds:
        ends.append(int(one(ds, "PixelPaddingRangeLimit")))
    ends = [(end + 2**15) % 2**16 - 2**15 if signed else end % 2**16 for end in ends]
    return (values >= min(ends)) & (values <= max(ends))


def table(item, negative):
    """C.11.1.1 and C.11.2.1.1: first value mapped, entries, bits of an entry."""
    descriptor, data = item.get("LUTDescriptor"), item.get("LUTData")
    require(descriptor is not None and data is not None and len(descriptor) == 3)
    n, first, bits = (int(value) for value in descriptor)
    n = n % 2**16 or 2**16
    if first >= 2**15 and negative:
        first -= 2**16
    if isinstance(data, bytes):
        require(len(data) in (2 * n, n + n % 2) and (len(data) != n + n % 2 or bits <= 8))
        entries = np.frombuffer(data, "<u2" if len(data) == 2 * n else "u1")[:n]
    else:
        entries = np.atleast_1d(np.asarray(data, np.int64))
        if bits <= 8 and len(entries) == (n + 1) // 2:
            entries = np.stack([entries % 256, entries // 256], 1).ravel()[:n]
    require(len(entries) == n and 1 <= bits <= 16 and entries.max() < 2**bits)
    return first, entries.astype(np.int64), bits


def look_up(values, first, entries):
    return entries[np.clip(np.rint(values).astype(np.int64) - first, 0, len(entries) - 1)]


def modality(ds, values, bits, signed):
    """C.11.1: lookup table, or slope and intercept. Returns whether its output can be below zero, too."""
    if ds.get("ModalityLUTSequence"):
        first, entries, _ = table(ds.ModalityLUTSequence[0], signed)
        return look_up(values, first, entries), False
    slope, intercept = 1.0, 0.0
    if "RescaleSlope" in ds or "RescaleIntercept" in ds:
        slope, intercept = one(ds, "RescaleSlope"), one(ds, "RescaleIntercept")
        require(slope != 0)
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return values * slope + intercept, min(slope * end + intercept for end in ends) < 0


def voi(ds, values, film, negative):
    """C.11.2: lookup table before window; None where there is neither."""
    if ds.get("VOILUTSequence"):
        first, entries, bits = table(ds.VOILUTSequence[0], negative)
        return look_up(values, first, entries) / (2**bits - 1)
    if not any(str(ds.get(key) or "") for key in ("WindowCenter", "WindowWidth")):
        return None
    c, w = one(ds, "WindowCenter"), one(ds, "WindowWidth")
    function = str(ds.get("VOILUTFunction") or "LINEAR").strip().upper()
    if function == "LINEAR":
        require(w >= 1)
        inside = ((values - (c - 0.5)) / (w - 1) if w > 1 else np.zeros(values.shape)) + 0.5
        return np.where(values <= c - 0.5 - (w - 1) / 2, 0, np.where(values > c - 0.5 + (w - 1) / 2, 1, inside))
    require(w > 0 and function in ("LINEAR_EXACT", "SIGMOID"))
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - c) / w, -500, 500)))
    return np.where(values <= c - w / 2, 0, np.where(values > c + w / 2, 1, (values - c) / w + 0.5))


def square(ds, pixels):
    """C.7.6.3.1.7: the sides of a pixel, vertical first; the shorter side gets more pixels, linearly in between."""
    sides = [key for key in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio") if key in ds]
    ratios = []
    for key in sides:
        if str(ds[key].value or ""):
            require(ds[key].VM == 2)
            vertical, horizontal = (real(side) for side in ds[key].value)
            require(vertical > 0 and horizontal > 0)
            ratios.append(vertical / horizontal)
    if not ratios or all(abs(np.log(ratio)) < np.log(1.01) for ratio in ratios):
        return pixels
    require(max(ratios) / min(ratios) < 1.01 and 1 / 4 <= ratios[0] <= 4)
    if ratios[0] > 1:
        return lengthened(pixels, round(len(pixels) * ratios[0]))
    return lengthened(pixels.T, round(pixels.shape[1] / ratios[0])).T


def lengthened(pixels, n):
    at = (np.arange(n) + 0.5) * len(pixels) / n - 0.5
    return np.stack([np.interp(at, np.arange(len(pixels)), column) for column in pixels.T], 1)


def stand(ds, pixels):
    """C.7.6.1.1.1: where rows and columns run; a frontal film is looked at with L to the right and F at the bottom."""
    letters = [str(value) for value in ds.get("PatientOrientation") or []]
    if not any(letters):
        return pixels
    require(len(letters) == 2 and all(letters))
    towards = {"L": (1, 0), "R": (-1, 0), "F": (0, 1), "H": (0, -1)}
    require(all(letter[0] in towards for letter in letters))
    along_row, along_column = (np.array(towards[letter[0]]) for letter in letters)
    require(along_row @ along_column == 0)
    row, column = np.indices(pixels.shape)
    x = column * along_row[0] + row * along_column[0]
    y = column * along_row[1] + row * along_column[1]
    out = np.empty((np.ptp(y) + 1, np.ptp(x) + 1))
    out[y - y.min(), x - x.min()] = pixels
    return out
