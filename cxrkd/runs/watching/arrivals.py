"""Which files of a watched folder are new and whole.

The folder is looked through again and again instead of waiting for word from the system: word of a file that another
machine writes to a network share never comes, and word of a full queue is lost. A file is taken once it has kept its
size and time for a while, and again when either changes. One that cannot be read may still be in the making: it is
tried again at growing intervals before it is settled as refused.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from cxrkd.errors import DataError
from cxrkd.runtime.timing import Clock

SETTLE_S = 1.0
"""How long a file has to stay as it is. Exports write in one go; what pauses longer is met by trying again."""
AGAIN_S = (1.0, 2.0, 4.0, 8.0)
"""Pauses before a file is tried again."""
OLD_S = 60.0
"""A file that was last written before this long is not in the making, and is tried once. Clocks of shares may be wrong;
nothing is lost by it, since a file that changes is tried anew."""


class GoneError(DataError):
    """The folder is not there, or cannot be opened, now."""


class Signature(NamedTuple):
    """What changes when a file does: its size in bytes, and the later of its two times in nanoseconds.

    A copy that keeps the old time of modification, and rights that are given later, show in the other one.
    """

    size: int
    time_ns: int


@dataclass(frozen=True)
class Arrival:
    """A file that is not settled.

    Attributes:
        name: below the folder.
        signature: when it was looked at last.
        first: on our clock, when it was seen first.
        due: when it is taken.
        tries: how often it could not be read.
    """

    name: str
    signature: Signature
    first: float
    due: float
    tries: int = 0


class Arrivals:
    """The files of a folder that are not settled yet; of settled ones nothing is kept here.

    Args:
        folder: looked through with the folders below it, but for hidden ones.
        settled: whether a file of that name and signature needs no look any more.
        clock: in seconds.
    """

    def __init__(self, folder: Path, settled: Callable[[str, Signature], bool], clock: Clock = time.monotonic) -> None:
        self.folder, self._settled, self._clock = folder, settled, clock
        self._waiting: dict[str, Arrival] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def look(self) -> list[Arrival]:
        """The files that can be read now, those that came first in front.

        Raises:
            GoneError: the folder is not there.
        """
        now, before = self._clock(), self._waiting
        self._waiting = {}
        for name, signature in signatures(self.folder):
            if not self._settled(name, signature):
                self._waiting[name] = self._seen(before.get(name), name, signature, now)
        ready = [arrival for arrival in self._waiting.values() if arrival.due <= now]
        return sorted(ready, key=lambda arrival: (arrival.first, arrival.name))

    def unread(self, arrival: Arrival) -> bool:
        """A file could not be read; whether it is worth another try, which then comes by itself."""
        old = time.time() - arrival.signature.time_ns / 1e9 > OLD_S
        if old or arrival.tries >= len(AGAIN_S):
            return False
        due = self._clock() + AGAIN_S[arrival.tries]
        self._waiting[arrival.name] = replace(arrival, due=due, tries=arrival.tries + 1)
        return True

    def later(self, arrival: Arrival) -> None:
        """A file could not be read for no fault of its own: it is tried until it can."""
        self._waiting[arrival.name] = replace(arrival, due=self._clock() + AGAIN_S[-1])

    def settle(self, arrival: Arrival) -> float:
        """Nothing more is to be done with a file; returns the seconds since it was seen first."""
        self._waiting.pop(arrival.name, None)
        return self._clock() - arrival.first

    def _seen(self, known: Arrival | None, name: str, signature: Signature, now: float) -> Arrival:
        if known is not None and known.signature == signature:
            return known
        return Arrival(name, signature, now if known is None else known.first, now + SETTLE_S)


def signatures(folder: Path) -> Iterator[tuple[str, Signature]]:
    """Name and signature of every regular file below a folder; hidden ones are passed over, links to folders too.

    Raises:
        GoneError: the folder cannot be opened. One below it that cannot is passed over.
    """
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(folder / below) as entries:
                held = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not below:
                raise GoneError(f"The folder is gone ({error.strerror or error}).") from error
            continue
        for entry in held:
            if entry.name.startswith("."):
                continue
            name = f"{below}/{entry.name}" if below else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)
                elif entry.is_file():
                    yield name, signature_of(entry.stat())
            except OSError:  # it went while we looked
                continue


def signature_of(status: os.stat_result) -> Signature:
    """What a file is known by."""
    return Signature(status.st_size, max(status.st_mtime_ns, status.st_ctime_ns))
