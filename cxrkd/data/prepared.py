"""Real radiographs, decoded once into one memory-mapped file of squares; goes on where it was stopped.

    home()/cache/prepared/<key>/images.npy       uint8 (N, S, S)
                                prepared.json    shape, a checksum for each chunk, and how many films were turned from
                                                 negative to positive; only a complete folder has it
    home()/cache/prepared/.<key>.growing/        the same while it grows, with done.txt: a line for a finished chunk

The key is made of the size and of each image's id, bytes and time of change. Labels and split are not in it: another
label policy or seed changes the cohort's fingerprint and decodes nothing again. A changed, added or removed image is
another key.

An image that cannot be decoded is an error that names it, after all others were tried: a training set that lacks images
without a word is worse than one sentence. Nothing is left out unasked: take the rows of broken files out of the table.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cxrkd import private
from cxrkd.access.confine import unsaid
from cxrkd.atomic import replacing
from cxrkd.config import RealConfig
from cxrkd.data.appearing import growing
from cxrkd.data.cohort import Cohort
from cxrkd.data.decode import Decoded, chunk_rows, decode_chunks
from cxrkd.data.readers import read_table
from cxrkd.data.table import Boxes, ImageTable, InNpz, Source
from cxrkd.errors import DataError
from cxrkd.places import home

Progress = Callable[[int, int], None]
Done = tuple[int, int]  # of a chunk: its checksum, and how many of its films were turned
VERSION = 2  # of the decoding: raise it when the same file gives other pixels
IMAGES, PROOF, DONE = "images.npy", "prepared.json", "done.txt"
_CHECKED_CHUNKS = 8
_HEADER_BYTES = 128  # NumPy pads a header as short as ours to this


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table and its pixels.

    Attributes:
        table: the rows. folder: where the pixels are.
        images: uint8 (N, S, S), a read-only memory map.
        decoded: how many images this call decoded; the others were there.
        turned: how many films were turned from negative to positive, where the table left that in doubt.
    """

    table: ImageTable
    folder: Path
    images: np.ndarray = field(repr=False)
    decoded: int
    turned: int


@dataclass(frozen=True)
class BoxMasks:
    """Lesion rectangles as masks, drawn on demand."""

    boxes: Boxes
    n_labels: int
    size: int

    def __call__(self, row: int) -> np.ndarray:
        """Masks bool (K, S, S) of one row; all False where nobody drew a box."""
        return self.boxes.masks(row, self.n_labels, self.size)


def cohort(config: RealConfig, progress: Progress | None = None) -> Cohort:
    """The cohort of a data set of real radiographs, prepared on first use; see `prepare` for what can be wrong."""
    found = prepare(config, progress)
    table = found.table
    return Cohort(
        name=table.name,
        labels=table.labels,
        images=found.images,
        targets=table.targets,
        patients=table.patients,
        ids=table.ids,
        split=table.split,
        views=table.views,
        fingerprint=fingerprint(table, found.folder.name),
        synthetic=False,
        lesion_masks=box_masks(table, config.image_size),
    )


def box_masks(table: ImageTable, size: int) -> BoxMasks | None:
    """Row -> masks bool (K, S, S); None where the data set has no boxes."""
    return None if table.boxes is None else BoxMasks(table.boxes, len(table.labels), size)


def prepare(config: RealConfig, progress: Progress | None = None, workers: int | None = None) -> Prepared:
    """Read the table, and decode every image that is not prepared yet.

    May be killed at any time: the next call goes on after the last chunk that was written. Two calls at once end with
    one folder. Memory does not grow with the number of images.

    Args:
        config: which data set, where it is, how large.
        progress: called with (images done, images in all) while decoding; not called when everything is there.
        workers: processes; None takes every core that this process may use.

    Raises:
        DataError: the tree is not as published, images cannot be decoded, the disk is too small, or the prepared file
            is damaged.
    """
    table = read_table(config, progress)
    with unsaid():
        folder = cache_folder(table, config.image_size)
    decoded = 0
    if not (folder / PROOF).exists():
        decoded = _grow(folder, table, config.image_size, progress, workers)
    images = open_images(folder, (len(table), config.image_size))
    turned = json.loads((folder / PROOF).read_text(encoding="utf-8")).get("turned", 0)  # as old as these were none
    return Prepared(table, folder, images, decoded, turned)


def cache_folder(table: ImageTable, size: int) -> Path:
    """Where the pixels of a table are, or would be."""
    return home() / "cache" / "prepared" / pixels_key(table, size)


def pixels_key(table: ImageTable, size: int) -> str:
    """Identity of the prepared pixels: version, size, and id, bytes and time of change of each image's file."""
    digest, seen = hashlib.sha256(f"{VERSION} {size}".encode()), dict[Path, str]()
    for name, source in zip(table.ids, table.sources, strict=True):
        digest.update(f"\n{name} {_stamp(source, seen)}".encode())
    return digest.hexdigest()[:16]


def _stamp(source: Source, seen: dict[Path, str]) -> str:
    if isinstance(source, Path):
        return _stat(source)
    if not isinstance(source, InNpz):
        return f"{_stat(source.path)} MONOCHROME1"
    if source.path not in seen:
        seen[source.path] = _stat(source.path)
    return f"{seen[source.path]} {source.array} {source.index}"


def _stat(path: Path) -> str:
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(
            f"{path} is gone or cannot be reached ({error.strerror}). Put it back and try again."
        ) from error
    return f"{found.st_size} {found.st_mtime_ns}"


def fingerprint(table: ImageTable, key: str) -> str:
    """Identity of the whole cohort: pixels, labels, targets, patients and split."""
    digest = hashlib.sha256(json.dumps([key, table.labels]).encode())
    digest.update(np.ascontiguousarray(table.targets).tobytes())
    for column in (table.patients, table.ids, table.split, table.views):
        digest.update("\n".join(column.tolist()).encode() + b"\0")
    return digest.hexdigest()[:16]


def open_images(folder: Path, shape: tuple[int, int]) -> np.ndarray:
    """The prepared squares uint8 (N, S, S), memory-mapped, after a look at eight chunks spread over the file.

    Raises:
        DataError: the file is not what was written.
    """
    try:
        told = json.loads((folder / PROOF).read_text(encoding="utf-8"))
        images = np.load(folder / IMAGES, mmap_mode="r")
        rows = chunk_rows(*shape)
        some = np.unique(np.linspace(0, len(rows) - 1, _CHECKED_CHUNKS).astype(int))
        whole = images.shape == (*shape, shape[1]) and images.dtype == np.uint8
        whole = whole and all(_crc(images[rows[c].start : rows[c].stop]) == told["crc"][c] for c in some)
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        whole = False
    if not whole:
        raise DataError(f"The prepared images in {folder} are damaged. Delete that folder; they are then made again.")
    return images


def _crc(pixels: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(pixels).data)


def _grow(folder: Path, table: ImageTable, size: int, progress: Progress | None, workers: int | None) -> int:
    """Make the folder; returns how many images were decoded."""
    with growing(folder, PROOF) as work:
        if work is None:  # another process has made it meanwhile
            return 0
        rows, done = chunk_rows(len(table), size), _resumed(work, len(table), size)
        todo = [chunk for chunk in range(len(rows)) if chunk not in done]
        failed: list[str] = []
        for found in decode_chunks(table, size, todo, workers):
            failed += found.failed
            if not found.failed:  # a file that could not be reached today is tried again the next time
                done[found.chunk] = _keep(work, found, rows[found.chunk].start)
            if progress is not None:
                progress(rows[found.chunk].stop, len(table))
        if failed:
            with unsaid():
                raise DataError(_unreadable(failed, len(table)))
        _flush(work / IMAGES)
        with replacing(work / PROOF) as part:
            told = {"n": len(table), "size": size, "name": table.name, "crc": [done[c][0] for c in range(len(rows))]}
            told["turned"] = sum(turned for _, turned in done.values())
            part.write_text(json.dumps(told), encoding="utf-8")
    return sum(len(rows[chunk]) for chunk in todo)


def _resumed(work: Path, n: int, size: int) -> dict[int, Done]:
    """The chunks that are there already; makes the empty file where there is none of that shape."""
    if _bytes(work / IMAGES) == _HEADER_BYTES + n * size**2:
        rows, images = chunk_rows(n, size), np.load(work / IMAGES, mmap_mode="r")
        told = _read_done(work / DONE).items()
        return {chunk: done for chunk, done in told if _crc(images[rows[chunk].start : rows[chunk].stop]) == done[0]}
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


def _keep(work: Path, found: Decoded, first: int) -> Done:
    """Write a chunk, then its line.

    Nothing is forced to disk here, which takes seconds on a busy one: a kill loses no written byte, and what a power
    cut loses shows in the checksum when the work goes on.
    """
    size, crc = found.pixels.shape[1], _crc(found.pixels)
    with (work / IMAGES).open("r+b") as file:
        file.seek(_HEADER_BYTES + first * size**2)
        file.write(found.pixels.tobytes())
    with open(work / DONE, "a", encoding="utf-8", opener=private.opener) as file:
        file.write(f"{found.chunk} {crc} {found.turned}\n")
    return crc, found.turned


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _unreadable(failed: list[str], n: int) -> str:
    return (
        f"{len(failed):,} of {n:,} images cannot be read. {' '.join(failed[:3])} "
        "Fetch these files again, or take their rows out of the data set's table."
    )
