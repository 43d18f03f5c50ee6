"""Two locks of the folder of jobs: a short one around decisions, a long one held by the worker while it lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from cxrkd import private
from cxrkd.errors import RunError
from cxrkd.jobs.files import cannot_write

LONGEST_DECISION_S = 120.0  # a cancelled job may take its grace, and a swept one its gigabytes
_LOOK_EVERY_S = 0.01


@contextmanager
def deciding(folder: Path) -> Iterator[None]:
    """Hold the queue still while states are read and changed together. Seconds at most; waits for its turn.

    Raises:
        RunError: the folder cannot be written, or somebody has been deciding for too long.
    """
    lock = _lock(folder / ".queue.lock")
    try:
        lock.acquire(timeout=LONGEST_DECISION_S, poll_interval=_LOOK_EVERY_S)
    except Timeout as error:
        raise RunError(
            f"another process has been at the queue in {folder} for {LONGEST_DECISION_S:.0f} s. Wait, or stop it if it "
            "hangs: python -m cxrkd runs doctor"
        ) from error
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def working(folder: Path) -> Iterator[bool]:
    """Become the one worker; yields False when there is one already. The system frees it whatever ends the worker."""
    lock = _lock(folder / ".worker.lock")
    try:
        yield _try(lock)
    finally:
        lock.release()


def worker_lives(folder: Path) -> bool:
    """Whether some process holds the worker's lock."""
    with working(folder) as free:
        return not free


def _try(lock: BaseFileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except OSError as error:
        raise cannot_write(Path(lock.lock_file).parent, error) from error
    return True


def _lock(path: Path) -> BaseFileLock:
    """A lock of the system, which whatever ends its process frees; a marker file would outlive it."""
    try:
        private.folder(path.parent)
    except OSError as error:
        raise cannot_write(path.parent, error) from error
    return FileLock(path, mode=private.FILE, fallback_to_soft=False)
