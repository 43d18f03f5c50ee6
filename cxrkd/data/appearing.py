"""Cache folders that are there only when they are complete."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxrkd import private

_ABANDONED_AFTER_S = 86_400.0


@contextmanager
def appearing(folder: Path, proof: str) -> Iterator[Path]:
    """A temporary folder that becomes `folder` by one rename if the block succeeds, and goes if it does not.

    Args:
        folder: the folder to make.
        proof: name of a file that only a complete folder has.
    """
    private.folder(folder.parent)
    for left in folder.parent.glob(f".{folder.name}-*"):  # by a process that was killed
        if time.time() - left.stat().st_mtime > _ABANDONED_AFTER_S:
            shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield work
        _settle(work, folder, proof)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def growing(folder: Path, proof: str) -> Iterator[Path | None]:
    """As `appearing`, but what a block leaves when it fails or is killed is there again the next time.

    One process at a time: another waits, and then gets None because the folder is complete.
    """
    private.folder(folder.parent)
    work = folder.parent / f".{folder.name}.growing"
    handle = os.open(folder.parent / f".{folder.name}.lock", os.O_RDWR | os.O_CREAT, private.FILE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # the system frees it whatever ends the process
        if (folder / proof).exists():
            yield None
            return
        work.mkdir(private.FOLDER, exist_ok=True)
        yield work
        _settle(work, folder, proof)
    finally:
        os.close(handle)


def _settle(work: Path, folder: Path, proof: str) -> None:
    try:
        work.rename(folder)
    except OSError:  # someone else has finished the same; a foreign incomplete folder stays an error
        if not (folder / proof).exists():
            raise
