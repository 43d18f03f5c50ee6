"""One file from the internet: whole or not at all, with progress, and a quick answer when there is no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

from cxrkd.atomic import replacing
from cxrkd.errors import DownloadError
from cxrkd.progress import Progress

TIMEOUT_S = 10.0
"""For connecting and for each read. There is one attempt: who is offline is told at once."""
BLOCK = 1 << 18


def download(
    url: str,
    path: Path,
    progress: Progress | None = None,
    *,
    check: Callable[[Path], object] | None = None,
    limit: int,
) -> None:
    """Fetch `url` into `path`; proxies of the environment are used.

    Args:
        url: where the file is.
        path: where it goes, once it is whole and `check` has passed it.
        progress: called with bytes done and bytes in all after every block.
        check: raises where the file that came, under another name, is not the one that was expected.
        limit: largest number of bytes to take.

    Raises:
        DownloadError: the address cannot be reached, the transfer broke off, or what comes is too large.
    """
    from pooch import HTTPDownloader  # not needed to list weights or read help

    # Packed on the way it would have another length than announced.
    fetch = HTTPDownloader(chunk_size=BLOCK, timeout=TIMEOUT_S, headers={"Accept-Encoding": "identity"})
    with replacing(path) as part:
        try:
            with part.open("wb") as file:
                fetch.progressbar = meter = _Meter(file, limit, progress)
                fetch(url, meter, None)
        except (OSError, ValueError) as error:
            raise DownloadError(f"{url} could not be downloaded ({_reason(error)}).") from error
        if check is not None:
            check(part)


class _Meter:
    """File and progress bar in one, as pooch takes them: what comes is counted, and ended where it is too large."""

    def __init__(self, file: IO[bytes], limit: int, progress: Progress | None) -> None:
        self._file, self._limit, self._progress = file, limit, progress
        self._done = self._total = 0

    @property
    def total(self) -> int:
        """Bytes that the server announces; 0 where it does not."""
        return self._total

    @total.setter
    def total(self, announced: int) -> None:
        if announced > self._limit:
            raise OSError(f"it announces {announced:,} bytes, and at most {self._limit:,} are taken")
        self._total = announced

    def write(self, block: bytes) -> None:
        """Keep a block."""
        self._done += len(block)
        if self._done > self._limit:
            raise OSError(f"it goes on after {self._limit:,} bytes")
        self._file.write(block)
        if self._progress is not None:
            self._progress(self._done, self._total)

    def flush(self) -> None:
        """The file is flushed when it is closed."""

    def update(self, _: int) -> None:
        """Pooch counts blocks, and a block may be half empty: `write` counts bytes."""

    def reset(self) -> None:
        """Called once at the end."""

    def close(self) -> None:
        """The file is its owner's to close."""


def _reason(error: Exception) -> str:
    """Why, without the layers of libraries that have passed it on."""
    answer = getattr(error, "response", None)
    if answer is not None:
        return f"{answer.status_code} {answer.reason}"
    inner = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    cause = getattr(inner, "reason", None) or (inner.args[0] if inner.args else inner)
    if isinstance(inner, OSError) and inner.strerror:
        cause = inner.strerror
    return str(cause).rpartition("): ")[2]  # after "HTTPSConnection(host='…', port=443): "
