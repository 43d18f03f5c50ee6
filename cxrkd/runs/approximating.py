"""Engines that compute in fewer digits, held against PyTorch on all test films of a run: how good are their answers?

Where they were measured and are good enough, pages may choose them for that network (`engines.json` in the run's
folder, which names the weights that were asked).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from cxrkd.checksums import ChecksumError, identity
from cxrkd.config import Member
from cxrkd.errors import RunError
from cxrkd.evaluate.paired import AS_GOOD, PairedDifference, paired_difference
from cxrkd.evaluate.record import Record
from cxrkd.images.radiograph import unit
from cxrkd.jobs.files import MissingFileError, read_as, write_json
from cxrkd.progress import Progress
from cxrkd.runs.run import Run
from cxrkd.text import interval

if TYPE_CHECKING:
    from cxrkd.data.cohort import Cohort

FILE = "engines.json"
VERSION = 1
LARGEST = 0.1
"""By which any probability may move: what ranks films as well may still say something else of one of them."""
_BLOCK = 64


@dataclass(frozen=True)
class Approximation(Record):
    """An engine that answered the test films of a run for one of its networks.

    Attributes:
        engine: a key of ENGINES.
        member: whose network.
        weights: what tells its file from others.
        largest: difference of any probability from PyTorch's.
        difference: AUROC of its answers minus that of PyTorch's, first seed, paired by patient.
    """

    engine: str
    member: str
    weights: str
    largest: float
    difference: PairedDifference

    @property
    def good_enough(self) -> bool:
        """Whether pages may choose it, by the lower end of the interval; False where the films do not tell."""
        return self.difference.macro_low >= -AS_GOOD and self.largest <= LARGEST

    @property
    def sentence(self) -> str:
        """How far it is off, for whoever is answered by it."""
        one = self.difference
        change = interval(one.macro_diff, one.macro_low, one.macro_high, digits=4, sign=True)
        return f"on {one.n:,} test films its mean AUROC differs by {change}, a probability by up to {self.largest:.2g}"


@dataclass(frozen=True)
class _Kept(Record):
    engines: tuple[Approximation, ...]


def approximate(run: Run, member: Member, engine: str, cohort: Cohort, progress: Progress) -> Approximation:
    """Ask an engine about the test films of a run.

    Args:
        run: finished.
        member: whose network.
        engine: a key of ENGINES.
        cohort: that the run was made from; see `cohort_of`.
        progress: called with (films answered, all).

    Raises:
        EngineError: there is no such engine here, or it fails on the network.
        RunError: predictions or weights are missing or damaged.
    """
    from cxrkd.runtime.select import build_engine

    kept, asked = run.predictions(member), build_engine(run.load_model(member), engine)
    places = {name: row for row, name in enumerate(cohort.ids.tolist())}
    rows, parts = [places[name] for name in kept.ids.tolist()], []
    for first in range(0, len(rows), _BLOCK):
        parts.append(asked.predict(unit(np.asarray(cohort.images[rows[first : first + _BLOCK]]))[:, None]))
        progress(min(first + _BLOCK, len(rows)), len(rows))
    logits = np.concatenate(parts)
    return Approximation(
        engine=engine,
        member=member,
        weights=identity(run.weights_path(member)),
        largest=float(np.nanmax(np.abs(expit(logits) - expit(kept.logits[0])))),
        difference=paired_difference(logits, kept.logits[0], kept.targets, kept.patients, run.labels),
    )


def keep_approximations(run: Run, measured: Sequence[Approximation]) -> None:
    """Write them down, beside those of other engines and networks.

    Raises:
        RunError: the folder cannot be written.
    """
    asked = {(one.engine, one.member) for one in measured}
    others = [one for one in kept_approximations(run) if (one.engine, one.member) not in asked]
    write_json(run.path / FILE, {"version": VERSION, **_Kept((*others, *measured)).to_dict()})


def kept_approximations(run: Run) -> tuple[Approximation, ...]:
    """Everything that is written down, also of weights that are gone; nothing where nothing is.

    Raises:
        RunError: the file is damaged.
    """
    try:
        return read_as(run.path / FILE, VERSION, _Kept.from_dict).engines
    except MissingFileError:
        return ()


def approximations(run: Run, member: Member) -> dict[str, Approximation]:
    """By engine, what was measured of a network as it is now and is good enough; a damaged file counts for nothing."""
    try:
        weights, kept = identity(run.weights_path(member)), kept_approximations(run)
    except (ChecksumError, RunError, OSError):
        return {}
    mine = (one for one in kept if (one.member, one.weights) == (member, weights))
    return {one.engine: one for one in mine if one.good_enough}
