"""The reading processes of this server: a bounded number at once, started when they are needed."""

from __future__ import annotations

import atexit
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np

from cxrkd.images.apart.process import ReadingProcess
from cxrkd.images.film import Film
from cxrkd.images.limits import check_bytes

# One visitor's file that takes all its time must not stop the others; each process takes up to Limits.memory.
AT_ONCE = 2


class ReadingPool:
    """Processes that threads take in turn; a thread waits while all are at work.

    The one that was used last comes first, so that a server with one visitor at a time has one.
    """

    def __init__(self, at_once: int = AT_ONCE, make: Callable[[], ReadingProcess] = ReadingProcess) -> None:
        self._all = [make() for _ in range(at_once)]
        self._idle: queue.LifoQueue[ReadingProcess] = queue.LifoQueue()
        for reader in self._all:
            self._idle.put(reader)

    def read(self, data: bytes, name: str, size: int) -> Film:
        """A file as a film, once a process is free; bit for bit as it would be read here.

        Args:
            data: the whole file.
            name: the file name that the user gave.
            size: S, of the networks' input.

        Raises:
            ImageError: whatever is wrong with the file, in one sentence that names it.
            GateError: the coefficients of the gate are missing or damaged.
        """
        check_bytes(data, name)
        with self._free() as reader:
            film = reader.read(data, name, size)
        return replace(film, read=partial(self.whole, data, name))

    def whole(self, data: bytes, name: str) -> np.ndarray:
        """The whole picture, float32 (H, W) in [0, 1], once a process is free.

        Raises:
            ImageError: as for `read`.
        """
        check_bytes(data, name)
        with self._free() as reader:
            return reader.whole(data, name)

    @contextmanager
    def _free(self) -> Iterator[ReadingProcess]:
        reader = self._idle.get()
        try:
            yield reader
        finally:
            self._idle.put(reader)

    def start(self) -> None:
        """Start a process, so that the first file does not wait for it; nothing where all are at work.

        Raises:
            ImageError: it does not start.
        """
        if not self._idle.empty():
            reader = self._idle.get()
            try:
                reader.start()
            finally:
                self._idle.put(reader)

    def close(self) -> None:
        """End the processes."""
        for reader in self._all:
            reader.close()


READING = ReadingPool()
atexit.register(READING.close)
