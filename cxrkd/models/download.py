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
_CHUNK = 1 << 20


def download(url: str, path: Path, progress: Progress | None = None) -> None:
    """Fetch `url` into `path`; proxies of the environment are used.

    Raises:
        ConfigError: the address cannot be reached, or the transfer broke off.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, replacing(path) as part:
            total = int(answer.headers.get("Content-Length") or 0)
            with part.open("wb") as file:
                _copy(answer, file, total, progress)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ConfigError(f"{url} could not be downloaded ({reason}).") from error


def _copy(source: IO[bytes], target: IO[bytes], total: int, progress: Progress | None) -> None:
    done = 0
    while block := source.read(_CHUNK):
        target.write(block)
        done += len(block)
        if progress is not None:
            progress(done, total)
    if total and done != total:
        raise OSError(f"it broke off after {done:,} of {total:,} bytes")
