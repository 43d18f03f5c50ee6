"""Columns of text -> label values, patients and splits. What is not understood is a sentence with row and column."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.errors import DataError
from cxrkd.text import shown

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = frozenset(("", "nan", "na", "n/a", "<na>", "null"))
"""What spreadsheets, pandas and R write for a cell without a value, in lower case."""
WORDS = {"true": 1.0, "false": 0.0}
YES_NO = WORDS | {"yes": 1.0, "no": 0.0}
"""As people answer; tables of labels write numbers, where a "no" is more often a slip."""
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.IGNORECASE)
_LONGEST = 1000
_NOBODY = UNKNOWN | {"none"}
_EXACT = 2**53  # from here on a float64 no longer holds every whole number
_ROUNDED = 11  # from this exponent on spreadsheets save `1.23457E+11` for every number that shows as such


def numbers(
    table: pd.DataFrame,
    columns: Sequence[str],
    allowed: Sequence[float],
    path: Path,
    words: Mapping[str, float] = WORDS,
) -> np.ndarray:
    """Columns of text as float32 (N, K); True and False as 1 and 0, what stands for nothing (UNKNOWN) as NaN.

    Args:
        table: columns of text, its index the numbers of the rows.
        columns: K names.
        allowed: the numbers that may stand there.
        path: of the table, for the sentence.
        words: what also stands for a number, in lower case.

    Raises:
        DataError: a cell holds something else than `allowed`.
    """
    import pandas as pd

    targets = np.empty((len(table), len(columns)), np.float32)
    for k, column in enumerate(columns):
        codes, texts = pd.factorize(table[column])
        values = np.array([_number(text, words) for text in texts], np.float32)
        wrong = ~np.isin(values, allowed) & [text.lower() not in UNKNOWN for text in texts]
        if wrong.any():
            row = int(np.flatnonzero(wrong[codes])[0])
            more = [word.upper() for word in words if word not in WORDS]
            choices = ", ".join([*(f"{value:g}" for value in allowed), *more])
            raise _refused(table, row, column, path, f"expected {choices} or nothing")
        targets[:, k] = values[codes]
    return targets


def filled(table: pd.DataFrame, column: str, path: Path, empty: str = "") -> np.ndarray:
    """A column of text, str (N,), without gaps; `empty` fills them where it is given.

    Raises:
        DataError: a cell is empty, says that it is (`nan`), or is not one line of at most 1,000 characters.
    """
    for row, text in enumerate(table[column]):
        if text.lower() in _NOBODY and not empty:
            wording = f" ({shown(text)})" if text else ""
            raise DataError(
                f"{path}, row {table.index[row]}: the column {shown(column)} is empty{wording}. Fill it in or take the "
                "row out."
            )
        if len(text) > _LONGEST or _CONTROL.search(text):
            raise _refused(table, row, column, path, f"expected one line of at most {_LONGEST:,} characters")
    return np.array([empty if empty and text.lower() in _NOBODY else text for text in table[column]])


def patients(table: pd.DataFrame, column: str, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Whose each image is, str (N,), and a note where that was not written in one way.

    One person under two names would be trained and tested on. So spellings of one number (`7`, `007`, `7.0`, `7e0`),
    as a column gets when it goes through floats or a spreadsheet, are one patient if they stand in one column.

    Raises:
        DataError: a cell is empty, or a number has lost digits, so that several patients may have become one.
    """
    texts = filled(table, column, path)
    spellings = defaultdict(set)
    for text in np.unique(texts).tolist():
        spellings[patient_key(text)].add(text)
    lost = {text for text in np.unique(texts).tolist() if _lost_digits(text)}
    if lost:
        row = next(row for row, text in enumerate(texts) if text in lost)
        todo = "expected every digit; a column that was saved as floating point has lost some. Fetch the table again"
        raise _refused(table, row, column, path, todo)
    several = [sorted(texts, key=lambda text: (len(text), text)) for texts in spellings.values() if len(texts) > 1]
    one = {text: texts[0] for texts in several for text in texts}
    return np.array([one.get(text, text) for text in texts.tolist()]), _note(several, column, path)


def splits(table: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    """Train, val or test, str (N,); the words in SPLIT_WORDS in any case, and nothing else.

    Raises:
        DataError: a cell is empty or holds another word.
    """
    texts = filled(table, column, path)
    for row, text in enumerate(texts):
        if text.lower() not in SPLIT_WORDS:
            raise _refused(table, row, column, path, "expected train, val, test")
    return np.array([SPLIT_WORDS[text.lower()] for text in texts.tolist()])


def _refused(table: pd.DataFrame, row: int, column: str, path: Path, expected: str) -> DataError:
    text = str(table[column].iat[row])
    hint = " (-1 marks uncertain findings in CheXpert's tables; leave the cell empty for unknown)"
    minus = hint if _number(text) == -1 and expected.endswith("or nothing") else ""
    return DataError(f"{path}, row {table.index[row]}, column {shown(column)}: {expected}, got {shown(text)}{minus}.")


def _number(text: str, words: Mapping[str, float] = WORDS) -> float:
    """The value of a cell, NaN where it is none."""
    if text.lower() in words:
        return words[text.lower()]
    return float(text) if _NUMBER.fullmatch(text) else float("nan")


def patient_key(text: str) -> object:
    """Equal for spellings of one number, also with a decimal comma; of other texts the text."""
    number = text.replace(",", ".")
    if not _NUMBER.fullmatch(number):
        return unicodedata.normalize("NFC", text)
    sign, digits, exponent = Decimal(number).as_tuple()
    plain = "".join(map(str, digits)).lstrip("0")
    kept = plain.rstrip("0")
    return (sign, kept, int(exponent) + len(plain) - len(kept)) if kept else 0


def _lost_digits(text: str) -> bool:
    """Whether a number was written by something that rounds it: as floating point, or as a spreadsheet shows it."""
    text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text) or text.lstrip("+-").isdecimal():
        return False
    value = abs(Decimal(text))
    return value >= _EXACT or ("e" in text.lower() and value.adjusted() >= _ROUNDED)


def _note(several: list[list[str]], column: str, path: Path) -> tuple[str, ...]:
    if not several:
        return ()
    first = " and ".join(map(repr, several[0][:2]))
    return (
        f"{path.name}, column {shown(column)}: {len(several):,} patients are written in more than one way (for example "
        f"{first}); spellings of one number count as one patient.",
    )
