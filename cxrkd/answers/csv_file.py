"""A table of answers on disk that grows film by film: a film has all its rows there, or none.

Whatever ends the process, the file ends with a whole film or in the middle of one; `keep` cuts such an end off and
says what is there, so that the rest can be appended.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from cxrkd.answers.answer import Answer
from cxrkd.answers.csv import as_named, columns, csv_head, csv_rows
from cxrkd.answers.verdict import Standing
from cxrkd.config import Member
from cxrkd.errors import ConfigError
from cxrkd.images.folders import HEAD, is_film


class AnswersFile:
    """A CSV of answers, open for appending; a context that closes it.

    Args:
        path: made anew, or gone on with.
        standings: how far each member can be relied on, in the order of the columns.
        kept: whether a film that is in the file stays, by its name and hash; None begins a new file. What a kill left
            behind the last one that stays, at most one film, goes.

    Raises:
        ConfigError: what is there is no such table of these networks, or a radiograph.
        OSError: it cannot be written.
    """

    def __init__(
        self, path: Path, standings: Mapping[Member, Standing], kept: Callable[[str, str], bool] | None = None
    ) -> None:
        self._standings = standings
        self.names: set[str] = set()
        _refuse_film(path)
        end = 0 if kept is None or not path.exists() else self._whole(path, kept)
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.ftruncate(self._handle, end)
        if end == 0:
            self._append(csv_head(list(standings)))

    def add(self, answer: Answer) -> None:
        """Append the rows of a film; all of them, or none where the disk is full.

        Raises:
            OSError: they cannot be written.
        """
        self._append(csv_rows(answer, self._standings))

    def __enter__(self) -> AnswersFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._handle)

    def _append(self, text: str) -> None:
        before, rest = os.fstat(self._handle).st_size, memoryview(text.encode("utf-8", "surrogateescape"))
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError:
            os.ftruncate(self._handle, before)
            raise

    def _whole(self, path: Path, kept: Callable[[str, str], bool]) -> int:
        """Where the last whole film that stays ends, in bytes; remembers the names of films up to there."""
        n_labels = len(next(iter(self._standings.values())).labels)
        with path.open("rb") as file, _parsing(path):
            records = _records(file)
            head, end = next(records, ([], 0))
            if head != columns(list(self._standings)) and not self._torn_head(path, head):
                raise _foreign(path)
            rows: list[list[str]] = []
            behind: list[str] = []
            for row, at in records:
                rows.append(row)
                if len(rows) == n_labels:
                    if len({tuple(one[:2]) for one in rows}) > 1:
                        break
                    behind.append(as_named(row[0]))
                    if kept(behind[-1], row[1]):
                        self.names.update(behind)
                        behind, end = [], at
                    rows = []
            if len(behind) > 1:
                raise ConfigError(
                    f"{path} holds {len(behind):,} films that were answered elsewhere, and would lose them. Name "
                    "another file for the table."
                )
        return end

    def _torn_head(self, path: Path, head: list[str]) -> bool:
        """Whether a file without a whole line is what a kill leaves of a new table."""
        whole = csv_head(list(self._standings)).encode()
        with path.open("rb") as file:
            return not head and whole.startswith(file.read(len(whole) + 1))


def _refuse_film(path: Path) -> None:
    """A film that stands where the table's name should is not lost by that, as in `--csv *.png`."""
    if path.is_file():
        with path.open("rb") as file:
            head, size = file.read(HEAD), os.fstat(file.fileno()).st_size
        if is_film(head, size):
            raise ConfigError(f"{path} is a radiograph, which a table would overwrite. Name another file for it.")


@contextmanager
def _parsing(path: Path) -> Iterator[None]:
    """A file that is no CSV at all, in a sentence."""
    try:
        yield
    except csv.Error as error:
        raise _foreign(path) from error


def _foreign(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} is no table of answers of these networks: its columns are others. Name the run and the members that "
        "it was made with, or another file."
    )


def _records(file: BinaryIO) -> Iterator[tuple[list[str], int]]:
    """The records of a CSV, each with the place where it ends; one that is torn, and what follows, is left out."""
    read = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for line in file:
            if not line.endswith(b"\n"):
                return
            read += len(line)
            yield line.decode("utf-8", "surrogateescape")

    for row in csv.reader(lines()):
        yield row, read
