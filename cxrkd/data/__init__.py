"""Data sets behind one shape, `Cohort`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

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
    with _saying(config):
        cohort = _read(config, progress)
        if READERS[config.kind].trains:
            refuse_empty_splits(cohort.name, cohort.split)
        return cohort


def load_to_ask(config: DataConfig, progress: Progress | None = None) -> Cohort:
    """A cohort that networks are only asked about: as `load_cohort`, but splits may be empty.

    Raises:
        DataError: as there.
    """
    with _saying(config):
        return _read(config, progress)


def _saying(config: DataConfig) -> AbstractContextManager[None]:
    """What may be said when reading fails: where the published file lies is no secret."""
    return nullcontext() if folder_of(config) is None else unsaid()


def _read(config: DataConfig, progress: Progress | None) -> Cohort:
    cohort: Cohort = READERS[config.kind].read(config, progress)
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
