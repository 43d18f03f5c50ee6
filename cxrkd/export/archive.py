"""Files as one ZIP whose bytes hang on them alone: sorted names, one date, checksums."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping

from cxrkd.checksums import LIST

DATE = (1980, 1, 1, 0, 0, 0)
"""The first that a ZIP can hold."""
_RIGHTS = 0o644 << 16


def with_checksums(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files, and `SHA256SUMS` of them, as `sha256sum --check` reads it."""
    lines = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    return {**files, LIST: "".join(lines).encode()}


def zipped(files: Mapping[str, bytes], folder: str) -> bytes:
    """A ZIP that unpacks into one folder; the same files give the same bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{folder}/{name}", DATE)
            entry.create_system, entry.external_attr = 3, _RIGHTS  # the same on every system
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return whole.getvalue()
