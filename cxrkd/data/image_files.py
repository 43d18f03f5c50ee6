"""Images that lie in files: decoded once into the prepared cache, or one at a time while that is not there."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.access.confine import unsaid
from cxrkd.data.pixels import Known
from cxrkd.data.stored import InNpz, Stored
from cxrkd.errors import DataError, ImageError
from cxrkd.places import home
from cxrkd.progress import Progress

if TYPE_CHECKING:
    from cxrkd.data.prepared import Prepared

VERSION = 2  # of the decoding: raise it when the same file gives other pixels


class ImageFiles:
    """The pixels of N images that lie in files.

    Args:
        ids: str (N,), names of the images.
        sources: where each is, N of them.
        size: S, the side that they are decoded to.
    """

    def __init__(self, ids: np.ndarray, sources: tuple[Stored, ...], size: int) -> None:
        self.ids, self.sources, self.size = ids, sources, size
        self._images: np.ndarray | None = None

    def __len__(self) -> int:
        """N."""
        return len(self.sources)

    @cached_property
    def key(self) -> str:
        """Identity of the decoded pixels: version, size, and id, bytes and time of change of each image's file.

        Labels and split are not in it: another label policy or seed decodes nothing again.
        """
        digest, seen = hashlib.sha256(f"{VERSION} {self.size}".encode()), dict[Path, str]()
        with unsaid():
            for name, source in zip(self.ids, self.sources, strict=True):
                digest.update(f"\n{name} {_stamp(source, seen)}".encode())
        return digest.hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Where the decoded pixels are, or would be."""
        return home() / "cache" / "prepared" / self.key

    def fingerprint(self, known: Known) -> str:
        """Identity of the whole cohort: pixels, labels, targets, patients and split."""
        digest = hashlib.sha256(json.dumps([self.key, known.labels]).encode())
        digest.update(np.ascontiguousarray(known.targets).tobytes())
        for column in (known.patients, known.ids, known.split, known.views):
            digest.update("\n".join(column.tolist()).encode() + b"\0")
        return digest.hexdigest()[:16]

    def prepare(self, progress: Progress | None = None, workers: int | None = None) -> Prepared:
        """Decode every image that is not prepared yet; see `cxrkd.data.prepared.prepare`."""
        from cxrkd.data.prepared import prepare

        return prepare(self.folder, self.sources, self.size, progress, workers)

    def images(self, progress: Progress | None = None) -> np.ndarray:
        """Uint8 (N, S, S), a read-only memory map, checked when it is opened.

        Raises:
            DataError: images cannot be decoded, the disk is too small, or the prepared file is damaged.
        """
        if self._images is None:
            self._images = self.prepare(progress).images
        return self._images

    def tones(self, row: int, size: int) -> np.ndarray:
        """What the networks were shown where that is prepared, else the file's; uint8 (size, size).

        Raises:
            DataError: the file is gone or cannot be read.
        """
        from cxrkd.data.decode import decode
        from cxrkd.data.prepared import kept

        images = kept(self.folder, (len(self), size)) if size == self.size else None
        if images is not None:
            return np.array(images[row])
        with unsaid():
            try:
                return decode(self.sources[row], size)
            except ImageError as error:
                raise DataError(str(error)) from error

    def whole(self, row: int) -> np.ndarray:
        """The file's whole picture, float32 (H, W) in [0, 1].

        Raises:
            DataError: the file is gone or cannot be read.
        """
        from cxrkd.data.decode import whole

        with unsaid():
            try:
                return whole(self.sources[row])
            except ImageError as error:
                raise DataError(str(error)) from error


def _stamp(source: Stored, seen: dict[Path, str]) -> str:
    if isinstance(source, Path):
        return _stat(source)
    if not isinstance(source, InNpz):
        return f"{_stat(source.path)} MONOCHROME1"
    if source.path not in seen:
        seen[source.path] = _stat(source.path)
    return f"{seen[source.path]} {source.array} {source.index}"


def _stat(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(
            f"{path} is gone or cannot be reached ({error.strerror}). Put it back and try again."
        ) from error
    return f"{status.st_size} {status.st_mtime_ns}"
