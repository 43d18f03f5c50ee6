"""Data sets behind one shape, `Cohort`."""

from __future__ import annotations

from collections.abc import Callable

from cxrkd.config import PhantomConfig
from cxrkd.data.cohort import Cohort


def load_cohort(config: PhantomConfig, progress: Callable[[int, int], None] | None = None) -> Cohort:
    """The cohort that a config describes; `progress(done, total)` is called while it has to be prepared."""
    from cxrkd.data import phantom_cohort

    return phantom_cohort.cohort(config, progress)
