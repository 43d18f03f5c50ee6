"""Data sets behind one shape, `Cohort`."""

from __future__ import annotations

from collections.abc import Callable

from cxrkd.config import ChestMnistConfig, DataConfig, PhantomConfig
from cxrkd.data.cohort import Cohort


def load_cohort(config: DataConfig, progress: Callable[[int, int], None] | None = None) -> Cohort:
    """The cohort that a config describes; `progress(done, total)` is called while it has to be prepared.

    Raises:
        DataError: a data set of real radiographs is not as published, or cannot be prepared.
    """
    from cxrkd.data import phantom_cohort, prepared

    if isinstance(config, PhantomConfig):
        return phantom_cohort.cohort(config, progress)
    return prepared.cohort(config, progress)


def is_here(config: DataConfig) -> bool:
    """Whether the images are on this machine, or are drawn on it. A run that came with the program may lack its own."""
    from cxrkd.data.readers.chestmnist import npz_path

    if isinstance(config, PhantomConfig):
        return True
    return npz_path(config).exists() if isinstance(config, ChestMnistConfig) else config.folder.is_dir()
