"""Two locks of the job folder: a short one around decisions, a long one held by the worker while it lives."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxrkd import private
from cxrkd.jobs.files import cannot_write


@contextmanager
def deciding(folder: Path) -> Iterator[None]:
    """Hold the queue still while states are read and changed together. Seconds at most; waits for its turn."""
    handle = _open(folder / ".queue.lock")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # releases it


@contextmanager
def working(folder: Path) -> Iterator[bool]:
    """Become the one worker; yields False when there is one already. The system frees it whatever ends the worker."""
    handle = _open(folder / ".worker.lock")
    try:
        yield _try(handle)
    finally:
        os.close(handle)


def worker_lives(folder: Path) -> bool:
    """Whether some process holds the worker's lock."""
    with working(folder) as free:
        return not free


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path) -> int:
    try:
        private.folder(path.parent)
        return os.open(path, os.O_RDWR | os.O_CREAT, private.FILE)
    except OSError as error:
        raise cannot_write(path.parent, error) from error
