"""Images of a data set -> uint8 squares, one at a time or in chunks by worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from joblib import Parallel, cpu_count, delayed

from cxrkd.data.reading import npz
from cxrkd.data.stored import InNpz, Monochrome1, Stored
from cxrkd.errors import ImageError
from cxrkd.images.gate import judge
from cxrkd.images.limits import MAX_BYTES
from cxrkd.images.radiograph import Radiograph, to_tones
from cxrkd.images.resizing import resized

_ALONE_UP_TO = 200
_MAX_WORKERS = 16
_CHUNK_IMAGES, _CHUNK_BYTES = 64, 1 << 22


@dataclass(frozen=True, eq=False)
class Decoded:
    """One chunk.

    Attributes:
        number: of the chunk. pixels: uint8 (n, S, S), black where an image failed.
        failed: a sentence for each image that could not be read.
        turned: how many were turned from negative to positive, as their table left in doubt.
    """

    number: int
    pixels: np.ndarray
    failed: tuple[str, ...]
    turned: int = 0


def chunk_rows(n: int, size: int) -> list[range]:
    """Rows of each chunk of N images: at most 64 images and 4 MiB, so that memory stays bounded at every size."""
    step = max(1, min(_CHUNK_IMAGES, _CHUNK_BYTES // size**2))
    return [range(first, min(first + step, n)) for first in range(0, n, step)]


def decode(source: Stored, size: int) -> np.ndarray:
    """One image as the networks see it, uint8 (S, S): grey, central square, areas averaged.

    Raises:
        ImageError: it cannot be read.
        GateError: its tones are in doubt, and the coefficients of the radiograph gate are missing or damaged.
    """
    if isinstance(source, InNpz):
        return resized(next(npz.images(source.path, source.array, source.index)), size)
    return _decoded(source, size)[0]


def whole(source: Stored) -> np.ndarray:
    """One image at the size of its file, float32 (H, W) in [0, 1]; raises as `decode`."""
    if isinstance(source, InNpz):
        return next(npz.images(source.path, source.array, source.index)).astype(np.float32) / np.float32(255)
    return _upright(source)[0].pixels


def looks_inverted(film: Radiograph) -> bool:
    """Whether the radiograph gate takes a film for a negative: it says so, or only the negative of it passes."""
    verdict = judge(film)
    return not verdict.passed and (verdict.kind == "inverted" or judge(_negative(film)).passed)


def decode_chunks(
    sources: Sequence[Stored], size: int, todo: Sequence[int], workers: int | None = None
) -> Iterator[Decoded]:
    """The chunks `todo` of a data set, in that order.

    joblib's processes neither fork, which can deadlock beside the threads of Torch and Streamlit, nor import the main
    module again, which under Streamlit is the page itself.

    Args:
        sources: where the images are, all of one kind of file.
        size: S.
        todo: ascending numbers of chunks, as in `chunk_rows`.
        workers: processes; None takes every core that this process may use, and one where there is little to do.
    """
    rows = chunk_rows(len(sources), size)
    if todo and isinstance(sources[0], InNpz):
        yield from _from_npz(sources, size, [(chunk, rows[chunk]) for chunk in todo])
        return
    few = sum(len(rows[chunk]) for chunk in todo) <= _ALONE_UP_TO
    n_jobs = workers or (1 if few else min(cpu_count(), _MAX_WORKERS))
    jobs = ((chunk, [sources[row] for row in rows[chunk]], size) for chunk in todo)
    yield from Parallel(n_jobs=n_jobs, return_as="generator")(delayed(_decode_files)(*job) for job in jobs)


def _decode_files(chunk: int, sources: list[Path | Monochrome1], size: int) -> Decoded:
    cv2.setNumThreads(1)  # the chunks are what runs in parallel
    pixels, failed, turned = np.zeros((len(sources), size, size), np.uint8), [], 0
    for index, source in enumerate(sources):
        try:
            pixels[index], was_negative = _decoded(source, size)
            turned += was_negative
        except ImageError as error:
            failed.append(str(error))
    return Decoded(chunk, pixels, tuple(failed), turned)


def _decoded(source: Path | Monochrome1, size: int) -> tuple[np.ndarray, bool]:
    """Uint8 (S, S), and whether the film was turned from negative to positive."""
    film, turned = _upright(source)
    return to_tones(film, size), turned


def _upright(source: Path | Monochrome1) -> tuple[Radiograph, bool]:
    """A film, positive, and whether it was turned for that."""
    path = source.path if isinstance(source, Monochrome1) else source
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageError(f"{path} cannot be opened ({error.strerror or error}).") from error
    from cxrkd.images.read import read  # pydicom takes a while to import; a table does not wait for it

    film = read(data, str(path))
    turn = isinstance(source, Monochrome1) and looks_inverted(film)
    return (_negative(film) if turn else film), turn


def _negative(film: Radiograph) -> Radiograph:
    return replace(film, pixels=1 - film.pixels)


def _from_npz(sources: Sequence[Stored], size: int, todo: Sequence[tuple[int, range]]) -> Iterator[Decoded]:
    """One pass through each array: a compressed stream cannot be read from several places at once."""
    wanted = [(chunk, row) for chunk, rows in todo for row in rows]
    squares = _in_order([sources[row] for _, row in wanted], size)
    for chunk, rows in todo:
        yield Decoded(chunk, np.stack([next(squares) for _ in rows]), ())


def _in_order(sources: Sequence[Stored], size: int) -> Iterator[np.ndarray]:
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
            yield resized(image, size)
