"""A cohort of phantoms, rendered once into the cache and memory-mapped from then on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed

from cxrkd.config import PhantomConfig
from cxrkd.data.appearing import appearing
from cxrkd.data.cohort import Cohort
from cxrkd.data.phantom import PHANTOM_VERSION, n_visits, render
from cxrkd.data.splits import split_by_patient
from cxrkd.labels import CHESTXRAY14
from cxrkd.places import home

Progress = Callable[[int, int], None]
Rendered = tuple[np.ndarray, list[dict[str, object]]]
_ALONE_UP_TO = 200
_CHUNK = 32
_MAX_WORKERS = 16
PROOF = "table.csv"  # only a complete cache has it


def fingerprint(config: PhantomConfig) -> str:
    """Identity of the cohort's pixels, labels and split."""
    told = json.dumps({"version": PHANTOM_VERSION, **config.model_dump()}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def cohort(config: PhantomConfig, progress: Progress | None = None) -> Cohort:
    """The cohort of `config`, rendered into `home()/cache/phantom/` unless it is already there.

    A folder appears there only when it is complete, by one rename; a render that is killed leaves a temporary folder
    that no one reads, and two renders of one cohort at a time both end with the same valid folder.

    Args:
        config: how many patients, which seed, how many pixels.
        progress: called with (images done, images in all) while rendering; not called when the cache is there.
    """
    folder = cache_folder(config)
    if not (folder / PROOF).exists():
        _render_into(folder, config, progress)
    return _open(folder, config)


def cache_folder(config: PhantomConfig) -> Path:
    """Where the rendered cohort lives."""
    return home() / "cache" / "phantom" / fingerprint(config)


def _open(folder: Path, config: PhantomConfig) -> Cohort:
    table = pd.read_csv(folder / PROOF, dtype={"id": str, "patient": str, "split": str, "view": str})
    return Cohort(
        name=f"phantom ({config.n_patients} patients, seed {config.seed})",
        labels=CHESTXRAY14,
        images=np.load(folder / "images.npy", mmap_mode="r"),
        targets=table[list(CHESTXRAY14)].to_numpy(np.float32),
        patients=table["patient"].to_numpy(str),
        ids=table["id"].to_numpy(str),
        split=table["split"].to_numpy(str),
        views=table["view"].to_numpy(str),
        fingerprint=fingerprint(config),
        synthetic=True,
        lesion_masks=LesionMasks(config.seed, config.image_size, table["number"].to_numpy(), table["visit"].to_numpy()),
    )


@dataclass(frozen=True)
class LesionMasks:
    """Lesion truth of a cohort's rows, rendered again on demand (14 masks an image would fill the disk)."""

    seed: int
    size: int
    numbers: np.ndarray
    visits: np.ndarray

    def __call__(self, row: int) -> np.ndarray:
        """Masks bool (14, S, S) of one row."""
        return render(self.seed, int(self.numbers[row]), int(self.visits[row]), self.size).masks


def _render_into(folder: Path, config: PhantomConfig, progress: Progress | None) -> None:
    with appearing(folder, PROOF) as work:
        keys = [(p, v) for p in range(config.n_patients) for v in range(n_visits(config.seed, p))]
        shape = (len(keys), config.image_size, config.image_size)
        images = np.lib.format.open_memmap(work / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
        rows: list[dict[str, object]] = []
        for pixels, chunk in _rendered(config, keys):
            images[len(rows) : len(rows) + len(chunk)] = pixels
            rows += chunk
            if progress is not None:
                progress(len(rows), len(keys))
        images.flush()
        table = pd.DataFrame(rows)
        targets = table[list(CHESTXRAY14)].to_numpy()
        table["split"] = split_by_patient(table["patient"].to_numpy(str), config.seed, targets=targets)
        table.to_csv(work / PROOF, index=False)


def _rendered(config: PhantomConfig, keys: list[tuple[int, int]]) -> Iterator[Rendered]:
    """Chunks of (pixels uint8 (n, S, S), table rows) in the order of `keys`, by worker processes if there are many.

    joblib's processes neither fork, which can deadlock beside the threads of Torch and Streamlit, nor import the main
    module again, which under Streamlit is the page itself.
    """
    chunks = [(config.seed, config.image_size, keys[i : i + _CHUNK]) for i in range(0, len(keys), _CHUNK)]
    workers = min(cpu_count(), _MAX_WORKERS, len(chunks)) if len(keys) > _ALONE_UP_TO else 1
    yield from Parallel(n_jobs=workers, return_as="generator")(delayed(_render_chunk)(chunk) for chunk in chunks)


def _render_chunk(job: tuple[int, int, list[tuple[int, int]]]) -> Rendered:
    seed, size, keys = job
    pixels, rows = np.empty((len(keys), size, size), np.uint8), []
    for index, (patient, visit) in enumerate(keys):
        phantom = render(seed, patient, visit, size)
        pixels[index] = phantom.pixels
        row: dict[str, object] = {"id": phantom.image_id, "patient": phantom.patient, "number": patient}
        row |= {"visit": visit, "view": phantom.view}
        rows.append(row | dict(zip(CHESTXRAY14, phantom.labels.astype(int).tolist(), strict=True)))
    return pixels, rows
