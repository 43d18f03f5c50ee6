"""A table is read once for questions that come together: how large is it, is it refused, how long will it take.

Only the last one is kept, for a minute, and only while its files are as they were.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cxrkd.access.confine import bounds
from cxrkd.config import READERS, DataConfig, DataSettings
from cxrkd.data.cohort import Cohort
from cxrkd.data.image_files import ImageFiles

KEPT_S = 60.0
_SETTLED_NS = 2_000_000_000  # a file may change twice within one tick of its file system's clock

Stamp = tuple[str, int, int]


@dataclass(frozen=True)
class _Read:
    config: DataSettings
    roots: tuple[Path, ...] | None
    stamps: tuple[Stamp, ...]
    at: float
    cohort: Cohort
    files: ImageFiles


_last: _Read | None = None


def read_once(config: DataConfig, read: Callable[[], Cohort]) -> Cohort:
    """What `read` gives, or gave a moment ago for the same config, confinement and files.

    Its pixels are looked at anew in any case: which image files there are, and what is prepared of them.
    """
    global _last
    tables = READERS[config.kind].tables
    if tables is None:
        return read()
    stamps, last = tuple(map(_stamp, tables(config))), _last
    asked = (config, bounds(), stamps)
    if last and (last.config, last.roots, last.stamps) == asked and time.monotonic() - last.at < KEPT_S:
        files = ImageFiles(last.files.ids, last.files.sources, last.files.size)
        return replace(last.cohort, pixels=files)
    cohort = read()
    settled = all(time.time_ns() - changed > _SETTLED_NS for _, _, changed in stamps)
    pixels = cohort.pixels
    _last = _Read(*asked, time.monotonic(), cohort, pixels) if settled and isinstance(pixels, ImageFiles) else None
    return cohort


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return str(path), -1, 0
    return str(path), status.st_size, status.st_mtime_ns
