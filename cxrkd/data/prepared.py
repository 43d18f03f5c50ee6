"""Real radiographs, decoded once into one memory-mapped file of squares; goes on where it was stopped.

    home()/cache/prepared/<key>/images.npy       uint8 (N, S, S)
                                prepared.json    shape, a checksum for each chunk, and how many films were turned from
                                                 negative to positive; only a complete folder has it
    home()/cache/prepared/.<key>.growing/        the same while it grows, with done.txt: a line for a finished chunk

The key is `ImageFiles.key`: a changed, added or removed image is another folder.

An image that cannot be decoded is an error that names it, after all others were tried: a training set that lacks images
without a word is worse than one sentence. Nothing is left out unasked: take the rows of broken files out of the table.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from cxrkd import private
from cxrkd.access.confine import unsaid
from cxrkd.atomic import replacing
from cxrkd.data.appearing import growing
from cxrkd.data.decode import Decoded, chunk_rows, decode_chunks
from cxrkd.data.stored import Stored
from cxrkd.errors import DataError
from cxrkd.progress import Progress

Done = tuple[int, int]  # of a chunk: its checksum, and how many of its films were turned
IMAGES, PROOF, DONE = "images.npy", "prepared.json", "done.txt"
_CHECKED_CHUNKS = 8
_HEADER_BYTES = 128  # NumPy pads a header as short as ours to this


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a call to `prepare` gives.

    Attributes:
        folder: where the pixels are.
        images: uint8 (N, S, S), a read-only memory map.
        decoded: how many images this call decoded; the others were there.
        turned: how many films were turned from negative to positive, where the table left that in doubt.
    """

    folder: Path
    images: np.ndarray = field(repr=False)
    decoded: int
    turned: int


def prepare(
    folder: Path, sources: Sequence[Stored], size: int, progress: Progress | None = None, workers: int | None = None
) -> Prepared:
    """Decode every image that is not prepared yet.

    May be killed at any time: the next call goes on after the last chunk that was written. Two calls at once end with
    one folder. Memory does not grow with the number of images.

    Args:
        folder: where the pixels are, or shall be.
        sources: where each image is, N of them.
        size: S.
        progress: called with (images done, images in all) while decoding; not called when everything is there.
        workers: processes; None takes every core that this process may use.

    Raises:
        DataError: images cannot be decoded, the disk is too small, or the prepared file is damaged.
    """
    decoded = 0
    if not (folder / PROOF).exists():
        decoded = _grow(folder, sources, size, progress, workers)
    images = open_images(folder, (len(sources), size))
    turned = json.loads((folder / PROOF).read_text(encoding="utf-8")).get("turned", 0)  # as old as these were none
    return Prepared(folder, images, decoded, turned)


def kept(folder: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """The prepared squares uint8 (N, S, S); None where they are not prepared.

    The file is checked once per process and state, not for every film that is looked at.

    Raises:
        DataError: the file is not what was written.
    """
    if not (folder / PROOF).exists():
        return None
    try:
        status = (folder / IMAGES).stat()
    except OSError:
        return open_images(folder, shape)  # which says what is wrong
    return _checked(folder, shape, (status.st_ino, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=8)
def _checked(folder: Path, shape: tuple[int, int], state: tuple[int, int, int]) -> np.ndarray:
    return open_images(folder, shape)


def open_images(folder: Path, shape: tuple[int, int]) -> np.ndarray:
    """The prepared squares uint8 (N, S, S), memory-mapped, after a look at eight chunks spread over the file.

    Raises:
        DataError: the file is not what was written.
    """
    try:
        proof = json.loads((folder / PROOF).read_text(encoding="utf-8"))
        images = np.load(folder / IMAGES, mmap_mode="r")
        rows = chunk_rows(*shape)
        some = np.unique(np.linspace(0, len(rows) - 1, _CHECKED_CHUNKS).astype(int))
        whole = images.shape == (*shape, shape[1]) and images.dtype == np.uint8
        whole = whole and all(_crc(images[rows[c].start : rows[c].stop]) == proof["crc"][c] for c in some)
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        whole = False
    if not whole:
        raise DataError(f"The prepared images in {folder} are damaged. Delete that folder; they are then made again.")
    return images


def _crc(pixels: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(pixels).data)


def _grow(folder: Path, sources: Sequence[Stored], size: int, progress: Progress | None, workers: int | None) -> int:
    """Make the folder; returns how many images were decoded."""
    with growing(folder, PROOF) as work:
        if work is None:  # another process has made it meanwhile
            return 0
        rows, done = chunk_rows(len(sources), size), _resumed(work, len(sources), size)
        todo = [chunk for chunk in range(len(rows)) if chunk not in done]
        failed: list[str] = []
        for chunk in decode_chunks(sources, size, todo, workers):
            failed += chunk.failed
            if not chunk.failed:  # a file that could not be reached today is tried again the next time
                done[chunk.number] = _keep(work, chunk, rows[chunk.number].start)
            if progress is not None:
                progress(rows[chunk.number].stop, len(sources))
        if failed:
            with unsaid():
                raise DataError(_unreadable(failed, len(sources)))
        _flush(work / IMAGES)
        with replacing(work / PROOF) as part:
            proof = {"n": len(sources), "size": size, "crc": [done[c][0] for c in range(len(rows))]}
            proof["turned"] = sum(turned for _, turned in done.values())
            part.write_text(json.dumps(proof), encoding="utf-8")
    return sum(len(rows[chunk]) for chunk in todo)


def _resumed(work: Path, n: int, size: int) -> dict[int, Done]:
    """The chunks that are there already; makes the empty file where there is none of that shape."""
    if _bytes(work / IMAGES) == _HEADER_BYTES + n * size**2:
        rows, images = chunk_rows(n, size), np.load(work / IMAGES, mmap_mode="r")
        written = _read_done(work / DONE).items()
        return {chunk: done for chunk, done in written if _crc(images[rows[chunk].start : rows[chunk].stop]) == done[0]}
    (work / DONE).unlink(missing_ok=True)
    free = shutil.disk_usage(work).free
    if n * size**2 > free:
        raise DataError(
            f"{n:,} images of {size} px take {n * size**2 / 1e9:.1f} GB and {work.parent} has {free / 1e9:.1f} GB. "
            "Make room, set CXRKD_HOME to a larger disk, or choose a smaller image size."
        )
    os.close(private.opener(work / IMAGES, os.O_WRONLY | os.O_CREAT))  # NumPy keeps the rights of what is there
    np.lib.format.open_memmap(work / IMAGES, mode="w+", dtype=np.uint8, shape=(n, size, size))
    return {}


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1


def _read_done(path: Path) -> dict[int, Done]:
    """What each line says. A last line that a kill cut off goes, so that the next one does not continue it."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        os.truncate(path, len(whole))
    lines = [tuple(map(int, line.split())) for line in whole.splitlines()]
    return {line[0]: (line[1], line[2]) for line in lines if len(line) == 3}


def _keep(work: Path, chunk: Decoded, first: int) -> Done:
    """Write a chunk, then its line.

    Nothing is forced to disk here, which takes seconds on a busy one: a kill loses no written byte, and what a power
    cut loses shows in the checksum when the work goes on.
    """
    size, crc = chunk.pixels.shape[1], _crc(chunk.pixels)
    with (work / IMAGES).open("r+b") as file:
        file.seek(_HEADER_BYTES + first * size**2)
        file.write(chunk.pixels.tobytes())
    with open(work / DONE, "a", encoding="utf-8", opener=private.opener) as file:
        file.write(f"{chunk.number} {crc} {chunk.turned}\n")
    return crc, chunk.turned


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _unreadable(failed: list[str], n: int) -> str:
    return (
        f"{len(failed):,} of {n:,} images cannot be read. {' '.join(failed[:3])} "
        "Fetch these files again, or take their rows out of the data set's table."
    )
