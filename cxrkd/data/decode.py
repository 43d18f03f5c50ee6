"""Images of a table -> uint8 squares, one at a time or in chunks by worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from joblib import Parallel, cpu_count, delayed

from cxrkd.data.readers import npz
from cxrkd.data.table import ImageTable, InNpz, Source
from cxrkd.errors import ImageError
from cxrkd.images import MAX_BYTES, read, to_input

_ALONE_UP_TO = 200
_MAX_WORKERS = 16
_CHUNK_IMAGES, _CHUNK_BYTES = 64, 1 << 22


@dataclass(frozen=True, eq=False)
class Decoded:
    """One chunk.

    Attributes:
        chunk: its number. pixels: uint8 (n, S, S), black where an image failed.
        failed: a sentence for each image that could not be read.
    """

    chunk: int
    pixels: np.ndarray
    failed: tuple[str, ...]


def chunk_rows(n: int, size: int) -> list[range]:
    """Rows of each chunk of N images: at most 64 images and 4 MiB, so that memory stays bounded at every size."""
    step = max(1, min(_CHUNK_IMAGES, _CHUNK_BYTES // size**2))
    return [range(first, min(first + step, n)) for first in range(0, n, step)]


def decode(source: Source, size: int) -> np.ndarray:
    """One image as the networks see it, uint8 (S, S): grey, central square, areas averaged.

    Raises:
        ImageError: it cannot be read.
    """
    if isinstance(source, InNpz):
        return _square(next(npz.images(source.path, source.array, source.index)), size)
    try:
        with source.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageError(f"{source} cannot be opened ({error.strerror or error}).") from error
    return np.rint(to_input(read(data, str(source)), size) * 255).astype(np.uint8)


def decode_chunks(table: ImageTable, size: int, todo: Sequence[int], workers: int | None = None) -> Iterator[Decoded]:
    """The chunks `todo` of a table, in that order.

    joblib's processes neither fork, which can deadlock beside the threads of Torch and Streamlit, nor import the main
    module again, which under Streamlit is the page itself.

    Args:
        table: which images.
        size: S.
        todo: ascending numbers of chunks, as in `chunk_rows`.
        workers: processes; None takes every core that this process may use, and one where there is little to do.
    """
    rows = chunk_rows(len(table), size)
    if todo and isinstance(table.sources[0], InNpz):
        yield from _from_npz(table, size, [(chunk, rows[chunk]) for chunk in todo])
        return
    few = sum(len(rows[chunk]) for chunk in todo) <= _ALONE_UP_TO
    n_jobs = workers or (1 if few else min(cpu_count(), _MAX_WORKERS))
    jobs = ((chunk, [table.sources[row] for row in rows[chunk]], size) for chunk in todo)
    yield from Parallel(n_jobs=n_jobs, return_as="generator")(delayed(_decode_files)(*job) for job in jobs)


def _decode_files(chunk: int, paths: list[Path], size: int) -> Decoded:
    cv2.setNumThreads(1)  # the chunks are what runs in parallel
    pixels, failed = np.zeros((len(paths), size, size), np.uint8), []
    for index, path in enumerate(paths):
        try:
            pixels[index] = decode(path, size)
        except ImageError as error:
            failed.append(str(error))
    return Decoded(chunk, pixels, tuple(failed))


def _from_npz(table: ImageTable, size: int, todo: Sequence[tuple[int, range]]) -> Iterator[Decoded]:
    """One pass through each array: a compressed stream cannot be read from several places at once."""
    wanted = [(chunk, row) for chunk, rows in todo for row in rows]
    squares = _in_order([table.sources[row] for _, row in wanted], size)
    for chunk, rows in todo:
        yield Decoded(chunk, np.stack([next(squares) for _ in rows]), ())


def _in_order(sources: Sequence[Source], size: int) -> Iterator[np.ndarray]:
    """Squares of ascending positions in arrays of `.npz` files; each array is opened once."""
    inside = [source for source in sources if isinstance(source, InNpz)]
    for (path, array), group in groupby(inside, key=lambda source: (source.path, source.array)):
        indices = [source.index for source in group]
        stream, at = npz.images(path, array, indices[0]), indices[0]
        for index in indices:
            image = next(stream)
            while at < index:
                image, at = next(stream), at + 1
            at += 1
            yield _square(image, size)


def _square(image: np.ndarray, size: int) -> np.ndarray:
    """Uint8 (s, s) at another side; areas are averaged when it shrinks."""
    how = cv2.INTER_AREA if len(image) > size else cv2.INTER_LINEAR
    return image if len(image) == size else cv2.resize(image, (size, size), interpolation=how)
