"""Values of DICOM elements as files hold them: absent, empty, of the wrong kind, with a decimal comma.

The bytes are read here and not by pydicom, which raises, warns with the value or guesses where an element is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

BINARY = {"US": "u2", "SS": "i2", "US or SS": "u2", "UL": "u4", "SL": "i4", "FL": "f4", "FD": "f8"}
# Three digits after a comma may be thousands; anything else is the decimal comma of a European export.
DECIMAL_COMMA = re.compile(r"[+-]?\d+,(\d{1,2}|\d{4,})")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def body(ds: Dataset, keyword: str) -> bytes:
    """The bytes of an element; empty where there is none."""
    element = ds.get_item(keyword)
    return element.value or b"" if isinstance(element, RawDataElement) else b""


def texts(ds: Dataset, keyword: str) -> list[str]:
    """The values of an element of text, without the blanks and zero bytes that pad them."""
    return [part.strip(" \0\t\r\n") for part in body(ds, keyword).decode("latin-1").split("\\")]


def word(ds: Dataset, keyword: str) -> str:
    """All of an element of text in capitals; empty where there is none."""
    return "\\".join(texts(ds, keyword)).upper()


def numbers(ds: Dataset, keyword: str) -> list[float | None]:
    """The values of an element of numbers, of text or binary; None for each that is no finite number."""
    element = ds.get_item(keyword)
    if not isinstance(element, RawDataElement):
        return []
    usual = dictionary_VR(element.tag)
    code = BINARY.get(usual if element.VR in (None, "UN") else element.VR)
    if code is None:
        return [_number(text) for text in texts(ds, keyword)]
    order = "<" if element.is_little_endian else ">"
    data = body(ds, keyword)
    values = np.frombuffer(data[: len(data) // int(code[1]) * int(code[1])], order + code)
    return [float(value) if math.isfinite(value) else None for value in values]


def number(ds: Dataset, keyword: str) -> float | None:
    """The first value that is a finite number; None where there is none."""
    return next((value for value in numbers(ds, keyword) if value is not None), None)


def whole(ds: Dataset, keyword: str) -> int | None:
    """The value, where it is one whole number; else None."""
    value, *others = {*numbers(ds, keyword)} or {None}
    return int(value) if value is not None and value == int(value) and not others else None


def state(ds: Dataset, keyword: str) -> str:
    """Why an element is not used, without its value."""
    if keyword not in ds:
        return "absent"
    return "of no use" if any(value is not None for value in numbers(ds, keyword)) else "empty or no number"


def with_comma(ds: Dataset, keywords: Iterable[str]) -> tuple[str, ...]:
    """Which of some elements have a number with a decimal comma."""
    return tuple(key for key in keywords if any(DECIMAL_COMMA.fullmatch(text) for text in texts(ds, key)))


def _number(text: str) -> float | None:
    if DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else None
