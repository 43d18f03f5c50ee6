"""Files that are either whole or absent, whatever kills the process."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cxrkd import private

PART = ".part-"  # how the names of unfinished files begin
ABANDONED_S = 86_400.0
"""Age at which an unfinished file is nobody's any more."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path` in one step, on error it is removed.

    The temporary name keeps the suffix, because writers such as `np.save` append one when it is missing.
    """
    private.folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=PART, suffix=path.suffix)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        _flush(part)
        part.chmod(private.file_mode(path))  # mkstemp makes files that only their owner can read
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def sweep(folder: Path, suffix: str) -> None:
    """Remove the unfinished files of a suffix that nobody has written to for a day: their writers were killed."""
    for part in folder.glob(f"{PART}*{suffix}"):
        with suppress(OSError):  # it has just become a whole file, or is somebody else's
            if part.stat().st_mtime < time.time() - ABANDONED_S:
                part.unlink()


def _flush(path: Path) -> None:
    """Force the bytes to disk, so that a power cut cannot leave a renamed but empty file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
