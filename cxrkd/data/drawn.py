"""The pixels of phantoms: drawn once into the cache, one at a time while that is not there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed

from cxrkd.config import DataSettings
from cxrkd.data.appearing import appearing
from cxrkd.data.phantom import PHANTOM_VERSION, Phantom, render, severity
from cxrkd.data.pixels import Known
from cxrkd.places import home
from cxrkd.progress import Progress

Visit = tuple[int, int]  # number of the patient, number of the visit
_ALONE_UP_TO = 200
_CHUNK = 32
_MAX_WORKERS = 16
PROOF = "table.csv"  # only a complete cache has it


def fingerprint(config: DataSettings) -> str:
    """Identity of the pixels, labels and split of the phantoms of a config whose labels are all true.

    A setting that says that they are is left out: what was drawn before there was one stays valid.
    """
    settings = json.dumps({"version": PHANTOM_VERSION, **config.model_dump(exclude={"missed"})}, sort_keys=True)
    return hashlib.sha256(settings.encode()).hexdigest()[:16]


class Drawn:
    """The pixels and lesions of phantoms.

    Args:
        folder: where the drawn pixels are kept.
        seed: of the phantoms.
        visits: which ones, N of them.
        size: S.
        missed: share of the findings that labels to learn from miss.
    """

    def __init__(self, folder: Path, seed: int, visits: Sequence[Visit], size: int, missed: float = 0.0) -> None:
        self.folder, self.seed, self.visits, self.size, self.missed = folder, seed, visits, size, missed
        self._images: np.ndarray | None = None

    @classmethod
    def of(cls, config: DataSettings, seed: int, visits: Sequence[Visit], missed: float) -> Drawn:
        """The phantoms of a config, kept in `home()/cache/phantom/`; one drawing, whatever their labels miss."""
        return cls(home() / "cache" / "phantom" / fingerprint(config), seed, visits, config.image_size, missed)

    def __len__(self) -> int:
        """N."""
        return len(self.visits)

    def fingerprint(self, known: Known) -> str:
        """That of the config, which decides on everything."""
        return self.folder.name + (f"-missed-{self.missed!r}" if self.missed else "")

    def images(self, progress: Progress | None = None) -> np.ndarray:
        """Uint8 (N, S, S), a read-only memory map, drawn into the folder unless they are there.

        The folder appears only when it is complete, by one rename; a call that is killed leaves a temporary folder
        that no one reads, and two calls at a time both end with the same valid folder.
        """
        if self._images is None:
            if not (self.folder / PROOF).exists():
                self._draw(progress)
            self._images = np.load(self.folder / "images.npy", mmap_mode="r")
        return self._images

    def tones(self, row: int, size: int) -> np.ndarray:
        """One phantom, uint8 (size, size)."""
        if self._images is None or size != self.size:
            return self._phantom(row, size).pixels
        return np.array(self._images[row])

    def whole(self, row: int) -> np.ndarray:
        """One phantom at the side that it is drawn at, float32 (S, S): it has no other."""
        return self.tones(row, self.size).astype(np.float32) / np.float32(255)

    def masks(self, row: int, size: int) -> np.ndarray:
        """Where its findings were drawn, bool (14, size, size). Drawn again: 14 masks an image would fill the disk."""
        return self._phantom(row, size).masks

    def severity(self, row: int) -> np.ndarray:
        """How pronounced its findings are, float32 (14,)."""
        return severity(self.seed, *self.visits[row])

    def _phantom(self, row: int, size: int) -> Phantom:
        return _rendered(self.seed, *self.visits[row], size)

    def _draw(self, progress: Progress | None) -> None:
        with appearing(self.folder, PROOF) as work:
            shape = (len(self), self.size, self.size)
            images = np.lib.format.open_memmap(work / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
            done = 0
            for pixels in _in_chunks(self.seed, self.size, self.visits):
                images[done : done + len(pixels)] = pixels
                done += len(pixels)
                if progress is not None:
                    progress(done, len(self))
            images.flush()
            pd.DataFrame(self.visits, columns=["number", "visit"]).to_csv(work / PROOF, index=False)


@lru_cache(maxsize=4)
def _rendered(seed: int, patient: int, visit: int, size: int) -> Phantom:
    """A phantom, whose pixels and masks are asked for one after the other."""
    return render(seed, patient, visit, size)


def _in_chunks(seed: int, size: int, visits: Sequence[Visit]) -> Iterator[np.ndarray]:
    """Chunks of pixels, uint8 (n, S, S), in the order of `visits`, by worker processes if there are many.

    joblib's processes neither fork, which can deadlock beside the threads of Torch and Streamlit, nor import the main
    module again, which under Streamlit is the page itself.
    """
    chunks = [(seed, size, visits[i : i + _CHUNK]) for i in range(0, len(visits), _CHUNK)]
    workers = min(cpu_count(), _MAX_WORKERS, len(chunks)) if len(visits) > _ALONE_UP_TO else 1
    yield from Parallel(n_jobs=workers, return_as="generator")(delayed(_chunk)(*chunk) for chunk in chunks)


def _chunk(seed: int, size: int, visits: Sequence[Visit]) -> np.ndarray:
    return np.stack([render(seed, patient, visit, size).pixels for patient, visit in visits])
