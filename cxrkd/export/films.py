"""On which films an export is held against PyTorch, and the one film that goes along as an example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cxrkd.config import READERS, DataConfig
from cxrkd.data import is_here, load_cohort
from cxrkd.data.cohort import Cohort
from cxrkd.data.phantom import render
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.data.readers.samples import SamplesConfig
from cxrkd.images.film import Film
from cxrkd.images.radiograph import unit
from cxrkd.runs import Run
from cxrkd.runs.reference import cohort_of, data_at
from cxrkd.runs.sample_films import shipped_for
from cxrkd.runs.validating.asked import targets_of

MOST = 300
"""Test films that an export is asked about: enough for a mean AUROC to move by less than .001 with one pair."""
DRAWN = 64
SEED = 14
ELSEWHERE = "the run's own test films are elsewhere"
SHIPPED = (
    "a film of ChestX-ray14 (Wang et al., CVPR 2017, arXiv 1705.02315), provided by the NIH Clinical Center, without "
    "anything that says of whom it is"
)
PHANTOM = "a phantom: drawn by a program, of nobody"


@dataclass(frozen=True)
class CheckFilms:
    """N films.

    Attributes:
        tones: uint8 (N, S, S).
        targets: float32 (N, K) of the run's labels; NaN unknown.
        what: which films they are.
    """

    tones: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)
    what: str

    def inputs(self) -> np.ndarray:
        """Float32 (N, 1, S, S) in [0, 1]."""
        return unit(self.tones)[:, None]


@dataclass(frozen=True)
class Example:
    """The film that goes along: its tones uint8 (S, S), and what it is."""

    tones: np.ndarray = field(repr=False)
    what: str


def check_films(run: Run, folder: Path | None = None, may_read: Callable[[DataConfig], bool] = is_here) -> CheckFilms:
    """The run's own test films where they are here, else those that ship, else drawn ones.

    Args:
        run: whose films.
        folder: where its data set is now, if not where its config says; then nothing else will do.
        may_read: whether the films of a data set are here, and may be read for whoever asks.

    Raises:
        DataError: the data set in `folder` is not the run's, or a film cannot be read.
        RunError: the run has no predictions, or its config is damaged.
    """
    own = data_at(run.config.data, folder)
    if folder is not None or may_read(own):
        return _own(run, cohort_of(run, folder))
    shipped = shipped_for(run)
    if shipped is not None:
        table = load_cohort(shipped)
        what = f"the {len(table)} films of patients that ship with cxrkd ({ELSEWHERE})"
        return _of(run, table, np.arange(len(table)), what)
    return _drawn(run)


def _own(run: Run, cohort: Cohort) -> CheckFilms:
    rows = cohort.rows("test")
    some = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST)).astype(int))]
    phantoms = " (phantoms)" if cohort.synthetic else ""
    which = f"all {len(rows):,}" if len(some) == len(rows) else f"{len(some):,} of the {len(rows):,}"
    return _of(run, cohort, some, f"{which} test films of the run{phantoms}")


def _drawn(run: Run) -> CheckFilms:
    cohort = load_cohort(PhantomConfig(n_patients=DRAWN, image_size=run.config.data.image_size, seed=SEED))
    return _of(run, cohort, np.arange(DRAWN), f"{DRAWN} drawn films, phantoms ({ELSEWHERE})")


def _of(run: Run, cohort: Cohort, rows: np.ndarray, what: str) -> CheckFilms:
    tones = np.stack([cohort.film(int(row)).tones for row in rows])
    return CheckFilms(tones, targets_of(run.labels, cohort)[rows], what)


def example(run: Run) -> Example:
    """One film that may be given to anybody: of a run that knows patients one that ships, else a phantom."""
    size = run.config.data.image_size
    if READERS[run.config.data.kind].drawn:
        return Example(render(SEED, 0, 0, size).pixels, PHANTOM)
    film: Film = load_cohort(SamplesConfig(image_size=size)).film(0)
    return Example(film.tones, SHIPPED)
