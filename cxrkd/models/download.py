"""One file from the internet: whole or not at all, with progress, and a quick answer when there is no network."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from cxrkd.atomic import replacing
from cxrkd.errors import ConfigError

Progress = Callable[[int, int], None]
"""Called with `(bytes done, bytes in all)`; the second is 0 where the server does not say."""

TIMEOUT_S = 10.0
"""For connecting and for each read. There is one attempt: who is offline is told at once."""
LIMIT = 1 << 30
"""Bytes that no weights on offer come near (the largest, of densenet161, are 0.12 GB): more would be something else."""
_CHUNK = 1 << 20


def download(
    url: str,
    path: Path,
    progress: Progress | None = None,
    *,
    check: Callable[[Path], object] | None = None,
    limit: int = LIMIT,
) -> None:
    """Fetch `url` into `path`; proxies of the environment are used.

    Args:
        url: where the file is.
        path: where it goes, once it is whole and `check` has passed it.
        progress: called after every block.
        check: raises where the file that came, under another name, is not the one that was expected.
        limit: largest number of bytes to take.

    Raises:
        ConfigError: the address cannot be reached, the transfer broke off, or what comes is larger than any weights.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, replacing(path) as part:
            total = _announced(answer.headers.get("Content-Length"), limit)
            with part.open("wb") as file:
                _copy(answer, file, total, limit, progress)
            if check is not None:
                check(part)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ConfigError(f"{url} could not be downloaded ({reason}).") from error


def _announced(length: str | None, limit: int) -> int:
    """Bytes that the server promises, 0 where it does not."""
    total = int(length) if length and length.isdecimal() and len(length) < 20 else 0
    if total > limit:
        raise OSError(f"it announces {total:,} bytes, and at most {limit:,} are taken")
    return total


def _copy(source: IO[bytes], target: IO[bytes], total: int, limit: int, progress: Progress | None) -> None:
    done = 0
    while block := source.read(_CHUNK):
        target.write(block)
        done += len(block)
        if done > (total or limit):
            raise OSError(f"it goes on after {total or limit:,} bytes")
        if progress is not None:
            progress(done, total)
    if total and done != total:
        raise OSError(f"it broke off after {done:,} of {total:,} bytes")
