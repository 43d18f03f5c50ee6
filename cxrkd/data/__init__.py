"""Data sets behind one shape, `Cohort`."""

from __future__ import annotations

from contextlib import nullcontext

from cxrkd.access.confine import unsaid
from cxrkd.access.folders import folder_of
from cxrkd.config import READERS, DataConfig
from cxrkd.data.cohort import Cohort, refuse_empty_splits
from cxrkd.progress import Progress


def load_cohort(config: DataConfig, progress: Progress | None = None) -> Cohort:
    """The cohort that a config describes: its table is read, its pixels wait until somebody asks for them.

    Args:
        config: which data set, where it is, how large.
        progress: called with (bytes done, bytes in all) while something is downloaded.

    Raises:
        DataError: a file, column, label or image is missing or not as published; the sentence says which.
    """
    with nullcontext() if folder_of(config) is None else unsaid():  # where the published file lies is no secret
        return _read(config, progress)


def _read(config: DataConfig, progress: Progress | None) -> Cohort:
    reader = READERS[config.kind]
    cohort: Cohort = reader.read(config, progress)
    if reader.trains:
        refuse_empty_splits(cohort.name, cohort.split)
    return cohort


def is_here(config: DataConfig) -> bool:
    """Whether the images are on this machine, or are drawn on it. A run that came with the program may lack its own."""
    return READERS[config.kind].is_here(config)


def cohort_size(config: DataConfig) -> tuple[float, float]:
    """Images in all and images to train on; of phantoms a guess. Downloads nothing.

    Raises:
        DataError: a data set of real radiographs is not as published.
    """
    known = READERS[config.kind].size_without_reading(config)
    if known is not None:
        return known
    cohort = load_cohort(config)
    return len(cohort), len(cohort.rows("train"))
