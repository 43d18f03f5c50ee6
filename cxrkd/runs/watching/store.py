"""What a watch has answered, on disk: one row a film, committed before the next is looked at.

SQLite, because thousands of films must neither be kept in memory nor be written anew for each one that comes, and
because a page asks for the worst and the latest of them. The file is its owner's alone (`cxrkd.private`). It holds the
names of files below the watched folder, by which they are known again after a restart; no pixel and no tag of any.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from cxrkd import private
from cxrkd.errors import RunError
from cxrkd.jobs.files import cannot_write, damaged
from cxrkd.runs.watching.arrivals import Signature
from cxrkd.runs.watching.comparison import Comparison
from cxrkd.text import legible

STORE = "films.db"
Outcome = Literal["film", "duplicate", "flagged", "refused"]
_VERSION = 1
_SCHEMA = """
CREATE TABLE films (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, name TEXT NOT NULL, answered REAL NOT NULL,
    waited_s REAL NOT NULL, asked_ms REAL NOT NULL, judged INTEGER NOT NULL, agreed INTEGER NOT NULL,
    largest REAL NOT NULL, label TEXT NOT NULL, called TEXT NOT NULL, verdicts TEXT NOT NULL
);
CREATE INDEX worst ON films (judged - agreed, largest);
CREATE TABLE files (
    file BLOB PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, time_ns INTEGER NOT NULL, outcome TEXT NOT NULL,
    digest TEXT NOT NULL, reason TEXT NOT NULL, settled REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX outcomes ON files (outcome, settled);
CREATE INDEX digests ON files (digest);
"""
_CALLS = "called LIKE '%[\"%'"  # a JSON object of lists, of which one is not empty
_FILM = "number, digest, name, answered, waited_s, asked_ms, judged, agreed, largest, label, called, verdicts"


@dataclass(frozen=True)
class FilmRow:
    """An answered film.

    Attributes:
        number: counts the films in the order in which they were answered.
        digest: of its pixels. name: of its file, below the folder.
        answered: epoch seconds. waited_s: from the first sight of the file. asked_ms: of all networks.
        comparison: of teacher and student.
        called: member -> findings that it calls. verdicts: member -> the same in words.
    """

    number: int
    digest: str
    name: str
    answered: float
    waited_s: float
    asked_ms: float
    comparison: Comparison
    called: dict[str, list[str]]
    verdicts: dict[str, str]

    @property
    def alarming(self) -> bool:
        """Some network calls a finding."""
        return any(self.called.values())


@dataclass(frozen=True)
class PassedOver:
    """A file that was not answered: its name below the folder, why, and when that was settled (epoch seconds)."""

    name: str
    outcome: Outcome
    reason: str
    settled: float


@dataclass(frozen=True)
class Totals:
    """Counts over all that was seen.

    Attributes:
        films: answered. calling: of them with a finding that some network calls. differing: with calls that differ.
        judged, agreed: labels of films that both networks judge, and those with the same call.
        largest: difference of a probability. duplicates, flagged, refused: files.
    """

    films: int = 0
    calling: int = 0
    differing: int = 0
    judged: int = 0
    agreed: int = 0
    largest: float = 0.0
    duplicates: int = 0
    flagged: int = 0
    refused: int = 0


class Store:
    """The file of one watch; a context that closes it.

    Args:
        folder: of the job.
        reading: only look; nothing is made.

    Attributes:
        version: of its format; 0 before its tables are made.

    Raises:
        RunError: it cannot be written, or is damaged.
    """

    def __init__(self, folder: Path, *, reading: bool = False) -> None:
        self._path = folder / STORE
        try:
            if not reading:
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, private.FILE))  # SQLite would let others read
            self._db = sqlite3.connect(f"{self._path.as_uri()}?mode={'ro' if reading else 'rw'}", uri=True, timeout=30)
        except (OSError, sqlite3.OperationalError) as error:
            raise RunError(f"{folder.name}: {STORE} cannot be opened ({error}).") from error
        with self._guarded():
            if not reading and not self._db.execute("PRAGMA user_version").fetchone()[0]:
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
            self.version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if self.version > _VERSION:
                raise RunError(f"{folder.name}: {STORE} was written by a newer cxrkd. Update cxrkd.")

    def settled(self, name: str, signature: Signature) -> bool:
        """Whether a file of that name was dealt with, as it is now."""
        row = self._one("SELECT size, time_ns FROM files WHERE file = ?", _file(name))
        return row is not None and Signature(*row) == signature

    def has(self, digest: str) -> bool:
        """Whether a film was answered."""
        return self._one("SELECT 1 FROM films WHERE digest = ?", digest) is not None

    def add(self, row: FilmRow, signature: Signature) -> None:
        """An answered film with its file, in one step. What the same file held before, half-written, goes."""
        with self._guarded(), self._db:
            self._forget_half(row.name, row.digest)
            one = row.comparison
            facts = (row.digest, legible(row.name), row.answered, row.waited_s, row.asked_ms, one.judged, one.agreed)
            texts = (one.largest, one.label, json.dumps(row.called), json.dumps(row.verdicts))
            self._db.execute(f"INSERT INTO films ({_FILM}) VALUES (NULL, {', '.join('?' * 11)})", (*facts, *texts))
            self._settle(row.name, signature, "film", row.digest, "")

    def pass_over(self, name: str, signature: Signature, outcome: Outcome, reason: str = "", digest: str = "") -> None:
        """A file that is not answered, and why; one that was only touched is no duplicate of itself."""
        with self._guarded(), self._db:
            same = "SELECT 1 FROM files WHERE file = ? AND outcome = 'film' AND digest = ?"
            if outcome == "duplicate" and self._db.execute(same, (_file(name), digest)).fetchone():
                outcome = "film"
            self._settle(name, signature, outcome, digest, reason)

    def totals(self) -> Totals:
        """Counts over all of it."""
        sums = f"COUNT(*), SUM({_CALLS}), SUM(judged > agreed), SUM(judged), SUM(agreed)"
        films = self._one(f"SELECT {sums}, MAX(largest) FROM films") or ()
        with self._guarded():
            files = dict(self._db.execute("SELECT outcome, COUNT(*) FROM files GROUP BY outcome"))
        counts = [files.get(outcome, 0) for outcome in ("duplicate", "flagged", "refused")]
        return Totals(*(value or 0 for value in films), *counts)

    def latest(self, n: int) -> list[FilmRow]:
        """The films that were answered last, the last one first."""
        return self._films("ORDER BY number DESC LIMIT ?", n)

    def after(self, number: int) -> list[FilmRow]:
        """Films that were answered after one, in their order."""
        return self._films("WHERE number > ? ORDER BY number LIMIT 1000", number)

    def worst(self, n: int) -> list[FilmRow]:
        """The films with most calls that differ, then with the largest difference; those that differ in some call."""
        return self._films("WHERE judged > agreed ORDER BY judged - agreed DESC, largest DESC LIMIT ?", n)

    def alarms(self, n: int) -> list[FilmRow]:
        """The last films with a called finding, the last one first."""
        return self._films(f"WHERE {_CALLS} ORDER BY number DESC LIMIT ?", n)

    def not_answered(self, n: int, since: float = 0.0) -> list[PassedOver]:
        """The last files that were refused or flagged after a moment, the last one first."""
        query = "SELECT name, outcome, reason, settled FROM files WHERE outcome IN ('flagged', 'refused')"
        with self._guarded():
            rows = self._db.execute(f"{query} AND settled > ? ORDER BY settled DESC LIMIT ?", (since, n))
            return [PassedOver(*row) for row in rows]

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()

    def _settle(self, name: str, signature: Signature, outcome: Outcome, digest: str, reason: str) -> None:
        values = (_file(name), legible(name), *signature, outcome, digest, reason, time.time())
        self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def _forget_half(self, name: str, digest: str) -> None:
        half = "SELECT digest FROM files WHERE file = ? AND outcome = 'film' AND digest != ?"
        row = self._db.execute(half, (_file(name), digest)).fetchone()
        others = "SELECT 1 FROM files WHERE digest = ? AND file != ?"
        if row is not None and self._db.execute(others, (row[0], _file(name))).fetchone() is None:
            self._db.execute("DELETE FROM films WHERE digest = ?", row)

    def _one(self, query: str, *values: object) -> Any:
        with self._guarded():
            return self._db.execute(query, values).fetchone()

    def _films(self, rest: str, *values: object) -> list[FilmRow]:
        with self._guarded():
            return [_film_row(row) for row in self._db.execute(f"SELECT {_FILM} FROM films {rest}", values)]

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """What SQLite raises, in a sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise cannot_write(self._path.parent, OSError(str(error))) from error
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            raise damaged(self._path, str(error)) from error


def films_of(folder: Path) -> Store | None:
    """The store of a watch, to look into; None where it has none yet.

    Raises:
        RunError: it is damaged.
    """
    if not (folder / STORE).exists():
        return None
    store = Store(folder, reading=True)
    if store.version:
        return store
    with store:
        return None


def _film_row(row: Sequence[Any]) -> FilmRow:
    number, digest, name, answered, waited_s, asked_ms, judged, agreed, largest, label, called, verdicts = row
    comparison = Comparison(judged, agreed, largest, label)
    return FilmRow(
        number, digest, name, answered, waited_s, asked_ms, comparison, json.loads(called), json.loads(verdicts)
    )


def _file(name: str) -> bytes:
    """What a file is known by: names may be of any bytes, and long."""
    return hashlib.blake2b(os.fsencode(name), digest_size=16).digest()
