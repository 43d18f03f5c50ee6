"""Text files of a published tree: plain or gzipped, UTF-8 or what their byte order mark says."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from cxrkd.access.confine import refuse_outside
from cxrkd.errors import DataError

_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
_NO_TEXT = re.compile("[\0\ufeff\ufffe\uffff]")


def read_names(path: Path) -> set[str]:
    """The lines of a list of image names.

    Raises:
        DataError: the file is missing or not text.
    """
    return {line.strip() for line in read_text(path).splitlines()} - {""}


def read_text(path: Path) -> str:
    """The text of a file, plain or gzipped: UTF-8, or what its byte order mark says.

    Raises:
        DataError: the file is missing, cannot be opened, or is not text.
    """
    refuse_outside(path)
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except FileNotFoundError as error:
        raise DataError(f"There is no file {path}. Check the folder, or fetch the file again.") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}). Fetch it again.") from error
    if data.startswith(b"PK\x03\x04"):
        raise DataError(
            f"{path} cannot be read as text: it is an archive or a workbook. Save the table as CSV in UTF-8."
        )
    return _decoded(data, path)


def _decoded(data: bytes, path: Path) -> str:
    encoding = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path} cannot be read as text: line {line} holds a byte 0x{data[error.start]:02x} that is not "
            f"{encoding.upper().removesuffix('-SIG')}. Save it as UTF-8 (a spreadsheet calls that CSV UTF-8)."
        ) from error
    wrong = _NO_TEXT.search(text)
    if wrong:
        line = text.count("\n", 0, wrong.start()) + 1
        raise DataError(
            f"{path} cannot be read as text: line {line} holds U+{ord(wrong[0]):04X}, which no text has. "
            "Save it as UTF-8, or fetch it again."
        )
    return text
