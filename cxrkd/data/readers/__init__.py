"""Published data sets, as they are unpacked -> `ImageTable`. One file a data set; nothing here reads a pixel."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from cxrkd.access.confine import unsaid
from cxrkd.config import ChestMnistConfig, ChestXray14Config, CheXpertConfig, PadChestConfig, RealConfig
from cxrkd.data.table import ImageTable

Progress = Callable[[int, int], None]


def read_table(config: RealConfig, progress: Progress | None = None) -> ImageTable:
    """The table of a data set of real radiographs.

    Args:
        config: which data set, and where it is.
        progress: called with (bytes done, bytes in all) while something is downloaded.

    Raises:
        DataError: a file, column, label or image is missing or not as published; the sentence says which.
    """
    with unsaid() if config.folder is not None else nullcontext():  # where the published file lies is no secret
        return _read(config, progress)


def _read(config: RealConfig, progress: Progress | None) -> ImageTable:
    from cxrkd.data.readers import chestmnist, chestxray14, chexpert, folder, padchest

    if isinstance(config, ChestXray14Config):
        return chestxray14.read(config)
    if isinstance(config, CheXpertConfig):
        return chexpert.read(config)
    if isinstance(config, PadChestConfig):
        return padchest.read(config)
    if isinstance(config, ChestMnistConfig):
        return chestmnist.read(config, progress)
    return folder.read(config)
