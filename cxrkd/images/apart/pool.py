"""The reading processes of this server: a bounded number at once, started when they are needed."""

from __future__ import annotations

import atexit
import queue
from collections.abc import Callable

from cxrkd.images.apart.process import ReadingProcess
from cxrkd.images.limits import check_bytes
from cxrkd.images.reduced import Reduced

# One visitor's file that takes all its time must not stop the others; each process takes up to Limits.memory.
AT_ONCE = 2


class Readers:
    """Processes that threads take in turn; a thread waits while all are at work.

    The one that was used last comes first, so that a server with one visitor at a time has one.
    """

    def __init__(self, at_once: int = AT_ONCE, make: Callable[[], ReadingProcess] = ReadingProcess) -> None:
        self._all = [make() for _ in range(at_once)]
        self._idle: queue.LifoQueue[ReadingProcess] = queue.LifoQueue()
        for reader in self._all:
            self._idle.put(reader)

    def read(self, data: bytes, name: str, size: int) -> Reduced:
        """A file as `ReadingProcess.read` gives it, once a process is free.

        Raises:
            ImageError: as there.
        """
        check_bytes(data, name)
        reader = self._idle.get()
        try:
            return reader.read(data, name, size)
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


_READERS = Readers()
atexit.register(_READERS.close)


def start_reading() -> None:
    """Start a process that reads files, before there is one.

    Raises:
        ImageError: it does not start.
    """
    _READERS.start()


def read_apart(data: bytes, name: str, size: int) -> Reduced:
    """`reduce(read(data, name), size)`, decoded in a process of its own with a limit of time and of memory.

    Args:
        data: the whole file.
        name: the file name that the user gave.
        size: S, of the networks' input.

    Raises:
        ImageError: whatever is wrong with the file, in one sentence that names it.
    """
    return _READERS.read(data, name, size)
