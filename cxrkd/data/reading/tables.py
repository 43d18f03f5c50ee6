"""CSV files as people and programs write them -> columns of text, or one sentence that says what is wrong, and where.

Every reader reads its tables here. Columns may be separated by commas, semicolons or tabs; the first row with anything
in it names them. Names and cells are stripped of spaces at their ends; rows without any content are left out; the index
of a table is the row's number as a spreadsheet counts, for sentences that name it.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from cxrkd.data.reading.text import read_text
from cxrkd.errors import DataError
from cxrkd.text import shown

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = (",", ";", "\t")
_LONGEST_NAME = 200
_EXCEL_SEPARATOR = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)
_BY_PANDAS = re.compile(r"(Unnamed: \d+(_level_\d+)?)?")
_AGAIN = re.compile(r"(.+)\.\d+")

Record = tuple[int, list[str]]


def read_csv(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> pd.DataFrame:
    """Every column as text, empty cells as "" (plain or gzipped CSV).

    Columns without a name (also `Unnamed: 3`, as pandas calls them) that are empty or count the rows are left out.

    Args:
        path: the file.
        columns: names that must be there, once each.
        optional: names that may be there, once each.

    Raises:
        DataError: the file is missing or not a table, has no rows, lacks one of `columns`, names one twice, or has rows
            that do not fit its header.
    """
    import pandas as pd

    text = read_text(path)
    header, rows = _shaped(_records(text, columns, path), path)
    missing = [column for column in columns if column not in header]
    if missing:
        raise DataError(
            f"{path} has no column {missing[0]!r}; {_begins(missing[0], header)} Choose the published table."
        )
    twice = [column for column in (*columns, *optional) if header.count(column) > 1]
    if twice:
        raise DataError(
            f"{path} has {header.count(twice[0])} columns {shown(twice[0])}. Rename or take out all but one."
        )
    if not rows:
        raise DataError(f"{path} has a header and no rows. Fetch it again.")
    table = pd.DataFrame([cells for _, cells in rows], [number for number, _ in rows], header, dtype=object)
    return table.loc[:, [not (unnamed(name) and _says_nothing(table.iloc[:, k])) for k, name in enumerate(header)]]


def unnamed(name: str) -> bool:
    """Whether a column has no name, or one that pandas made up."""
    return _BY_PANDAS.fullmatch(name) is not None


def repeated(header: Sequence[str]) -> str | None:
    """A name that comes twice, also as pandas renames it (`Effusion.1` beside `Effusion`); None where there is none."""
    counts = Counter(header)
    return next((n for n in header if counts[n] > 1 or ((m := _AGAIN.fullmatch(n)) and m[1] in counts)), None)


def close_to(name: str, header: Sequence[str]) -> str:
    """`Did you mean 'image'?` where there is such a name, else nothing."""
    by_key = {key.casefold(): key for key in reversed(header) if key}
    near = get_close_matches(name.casefold(), by_key, n=1, cutoff=0.7)
    return f" Did you mean {shown(by_key[near[0]])}?" if near else ""


def _records(text: str, columns: Sequence[str], path: Path) -> list[Record]:
    """The records of a text, cut at the separator that gives the header all of `columns`, else the most columns."""
    excel = _EXCEL_SEPARATOR.match(text)
    choices = (excel[1],) if excel else SEPARATORS
    headers = {separator: _header(text[excel.end() :] if excel else text, separator) for separator in choices}
    fits = [separator for separator, header in headers.items() if header is not None and set(columns) <= set(header)]
    unreadable = [separator for separator, header in headers.items() if header is None]
    separator = (fits or unreadable or [max(choices, key=lambda choice: len(headers[choice] or ()))])[0]
    number, records = 0, []
    try:
        for number, cells in enumerate(_reader(text, separator), 1):
            stripped = [cell.strip() for cell in cells]
            if any(stripped) and not (excel and number == 1):
                records.append((number, stripped))
    except csv.Error as error:
        raise DataError(
            f"{path}, row {number + 1}, cannot be read as a CSV table ({error}). Mend the row: a cell with quotes, "
            "separators or line breaks stands in double quotes."
        ) from error
    if not records:
        raise DataError(f"{path} is empty; expected a table with a header. Fetch it again.")
    return records


def _reader(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)


def _header(text: str, separator: str) -> list[str] | None:
    """The names in the first record with content; None where it cannot be read, which `_records` will say."""
    try:
        for cells in _reader(text, separator):
            if any(cell.strip() for cell in cells):
                return [cell.strip() for cell in cells]
    except csv.Error:
        return None
    return []


def _shaped(records: list[Record], path: Path) -> tuple[list[str], list[Record]]:
    """The header, and rows of its length. Empty cells beyond it are dropped; nothing else is cut, filled or moved."""
    (_, header), *rows = records
    long = next((k for k, name in enumerate(header, 1) if len(name) > _LONGEST_NAME), None)
    if long is not None:
        raise DataError(f"{path}: the name of column {long} has more than {_LONGEST_NAME} characters. Shorten it.")
    named = max((k for k, name in enumerate(header, 1) if name), default=0)
    for number, cells in rows:
        if len(cells) < named or any(cells[len(header) :]):
            raise DataError(
                f"{path}, row {number}: expected {named} cells as in the header, got {len(cells)}. Mend the row: a "
                "cell that holds a separator stands in double quotes, and a cell without content keeps its separator."
            )
        del cells[len(header) :]
        cells += [""] * (len(header) - len(cells))
    return header, rows


def _says_nothing(column: pd.Series) -> bool:
    """Whether a column is empty, or is an index that pandas wrote: whole numbers from 0 on that grow."""
    cells = [str(cell) for cell in column]
    if not any(cells):
        return True
    numbers = [int(cell) for cell in cells if cell.isdecimal() and len(cell) < 10]
    return len(numbers) == len(cells) and all(a < b for a, b in pairwise(numbers))


def _begins(missing: str, header: Sequence[str]) -> str:
    one = " Columns are separated by commas, semicolons or tabs." if len(header) == 1 else ""
    return f"its columns begin {', '.join(map(shown, header[:8]))}.{one}{close_to(missing, header)}"
