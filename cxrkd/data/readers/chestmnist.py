"""ChestMNIST (Yang et al., Scientific Data 2023; CC BY 4.0): ChestX-ray14 reduced to 28, 64, 128 or 224 pixels.

    chestmnist.npz (28 pixels), chestmnist_64.npz, chestmnist_128.npz, chestmnist_224.npz
        train_images (78468, s, s) uint8, train_labels (78468, 14); the same for val (11219) and test (22433)

The file names no patients, so each image counts as a patient of its own: the published split cannot be checked for
leaks, and intervals by patient are intervals by image here, narrower than they should be. The split is not NIH's
official one, so results do not compare with those on ChestX-ray14's test list.
"""

from __future__ import annotations

import hashlib
import zipfile
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from cxrkd.access.confine import refuse_outside
from cxrkd.config import READERS, FilesSettings, Folder, Reader
from cxrkd.config.hints import hints
from cxrkd.data.cohort import SPLITS, Cohort
from cxrkd.data.image_files import ImageFiles
from cxrkd.data.reading.npz import array_shape
from cxrkd.data.stored import InNpz
from cxrkd.download import download
from cxrkd.errors import DataError, DownloadError
from cxrkd.labels import CHESTXRAY14
from cxrkd.progress import Progress

NAME = "ChestMNIST"
_ADDRESS = "https://zenodo.org/records/10519652/files/{name}?download=1"
# MD5 of the file of each size, as the authors publish them (`INFO` of their package medmnist 3.0.2).
_MD5 = {
    28: "02c8a6516a18b556561a56cbdd36c4a8",
    64: "9de6cd0b934ebb5b7426cfba5efbae16",
    128: "db107e5590b27930b62dbaf558aebee3",
    224: "45bd33e6f06c3e8cdb481c74a89152aa",
}
N_IMAGES, N_TRAIN = 112_120, 78_468  # as published, at every size


class ChestMnistConfig(FilesSettings):
    """ChestMNIST with its own split. The file names no patients, so every image counts as a patient of its own."""

    kind: Literal["chestmnist"] = "chestmnist"
    folder: Folder | None = Field(  # type: ignore[assignment]
        None,
        title="Folder or .npz file",
        description="none looks where the medmnist package keeps its files",
        json_schema_extra=hints(section=""),
    )
    size: Literal[28, 64, 128, 224] = Field(
        224,
        title="Published size, pixels",
        description="which of the four files",
        json_schema_extra=hints(flag="--published-size"),
    )
    download: bool = Field(
        False,
        title="Download when absent",
        description="82 MB at 28 pixels to 4 GB at 224",
        json_schema_extra=hints(flag="--download-data"),
    )


def read(config: ChestMnistConfig, progress: Progress | None = None) -> Cohort:
    """The table of a published file, train then val then test.

    Raises:
        DataError: the file is absent and may not or cannot be downloaded, or it is not ChestMNIST of that size.
    """
    path = npz_path(config)
    if config.folder is not None:
        refuse_outside(path)
    if not path.exists():
        if not config.download:
            raise DataError(_absent(path))
        _download(path, config.size, progress)
    arrays = [_labels(path, split, config.size) for split in SPLITS]
    counts = [len(labels) for labels in arrays]
    ids = np.array([f"{split}-{i:06d}" for split, n in zip(SPLITS, counts, strict=True) for i in range(n)])
    sources = (InNpz(path, f"{split}_images", i) for split, n in zip(SPLITS, counts, strict=True) for i in range(n))
    return Cohort(
        name=f"{NAME} at {config.size} px (patients unknown)",
        labels=CHESTXRAY14,
        targets=np.concatenate(arrays).astype(np.float32),
        patients=ids,
        ids=ids,
        split=np.repeat(np.array(SPLITS), counts),
        views=np.full(len(ids), "unknown"),
        pixels=ImageFiles(ids, tuple(sources), config.image_size),
        truth="Labels mined from reports",
    )


def npz_path(config: ChestMnistConfig) -> Path:
    """Where the file is looked for: the config's file or folder, else `~/.medmnist` as the medmnist package does."""
    given = config.folder or Path.home() / ".medmnist"
    return given if given.suffix == ".npz" else given / _file_name(config.size)


def is_here(config: ChestMnistConfig) -> bool:
    """Whether the file is where it is looked for."""
    return npz_path(config).exists()


def size_without_reading(config: ChestMnistConfig) -> tuple[float, float] | None:
    """As published, where the file is still to be downloaded."""
    return (N_IMAGES, N_TRAIN) if config.download and not is_here(config) else None


def published(size: int) -> tuple[str, str]:
    """Address and MD5 of the file of one of the published sizes, 28, 64, 128 or 224 pixels."""
    return _ADDRESS.format(name=_file_name(size)), _MD5[size]


def _file_name(size: int) -> str:
    return "chestmnist.npz" if size == 28 else f"chestmnist_{size}.npz"


def _absent(path: Path) -> str:
    return (
        f'There is no {path}. Allow the download (--download, or "download": true in the config), or {_by_hand(path)}.'
    )


def _by_hand(path: Path) -> str:
    return f"fetch {path.name} from https://doi.org/10.5281/zenodo.10519652 and put it at {path}"


def _labels(path: Path, split: str, size: int) -> np.ndarray:
    """Labels (n, 14) of one split, after a look at the shape of its images."""
    shape, dtype = array_shape(path, f"{split}_images")
    try:
        with np.load(path) as file:
            labels = file[f"{split}_labels"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} has no readable array {split}_labels ({error}). Fetch the file again.") from error
    if shape[1:] != (size, size) or dtype != np.uint8 or labels.shape != (shape[0], len(CHESTXRAY14)):
        raise DataError(
            f"{path}: expected {split}_images as uint8 (n, {size}, {size}) and {split}_labels (n, {len(CHESTXRAY14)}), "
            f"got {dtype} {shape} and {labels.shape}. Choose the file of that size, or fetch it again."
        )
    if not np.isin(labels, (0, 1)).all():
        raise DataError(f"{path}: {split}_labels holds other values than 0 and 1. Fetch the file again.")
    return labels


def _download(path: Path, size: int, progress: Progress | None) -> None:
    """Fetch the file whole or not at all."""
    url, md5 = published(size)

    def check(part: Path) -> None:
        with part.open("rb") as file:
            came = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
        if came != md5:
            raise DataError(f"{url} came with checksum {came}, expected {md5}. Try again; nothing was kept.")

    try:
        download(url, path, progress, check=check, limit=N_IMAGES * (size**2 + 1024))
    except DownloadError as error:
        raise DataError(f"{error} Connect to the internet and try again, or {_by_hand(path)}.") from error


READERS.register(
    Reader(
        name="chestmnist",
        title=NAME,
        sentence="ChestX-ray14 reduced to 28, 64, 128 or 224 pixels, one file each; patients unknown.",
        source="Yang et al., Scientific Data 2023; CC BY 4.0",
        needs=("chestmnist.npz or chestmnist_<size>.npz",),
        config=ChestMnistConfig,
        read=read,
        films_of="chestxray14",
        is_here=is_here,
        size_without_reading=size_without_reading,
        single_file=".npz",
    )
)
