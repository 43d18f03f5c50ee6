"""The films that a validation measures on: read, matched with the findings of the run, held against its own films."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.checksums import identity
from cxrkd.config import CHEST_WEIGHTS, DataConfig
from cxrkd.data import load_to_ask
from cxrkd.errors import DataError, RunError
from cxrkd.progress import Progress
from cxrkd.runs.predictions import FOLDER as PREDICTIONS
from cxrkd.runs.run import Run, open_run
from cxrkd.runs.seen import FILE, Seen, seen_by
from cxrkd.runs.validating.asked import Findings, match_findings, rows_to_ask
from cxrkd.runs.validating.config import ValidationConfig
from cxrkd.runs.validating.overlap import Overlap, find_overlap, refuse_other_patients, require_apart

if TYPE_CHECKING:
    from cxrkd.data.cohort import Cohort

UNCHECKED = (
    "Whether patients of this set were trained on could not be checked: {run} keeps no list of its films, and its data "
    "set is not on this machine. Where it is: python -m cxrkd reference {run} --folder DIR"
)


@dataclass(frozen=True)
class Films:
    """What a run is going to be measured on.

    Attributes:
        cohort: the set.
        rows: int (n,), its films that are measured on.
        films: what tells them from others, n of them.
        findings: of run and set.
        own: what the run itself was made from; None where that is not known.
        overlap: over the films before any was left out; None where it could not be checked.
        notes: sentences that belong beside every figure.
    """

    cohort: Cohort
    rows: np.ndarray
    films: Seen
    findings: Findings
    own: Seen | None
    overlap: Overlap | None
    notes: tuple[str, ...]


def gather(run: Run, config: ValidationConfig, progress: Progress | None = None) -> Films:
    """Read a set, and refuse what cannot be measured on; its images are prepared.

    Args:
        run: finished.
        config: what is asked.
        progress: called with (done, all) while images are decoded.

    Raises:
        DataError: the set is not as its reader expects, has no finding of the run, or no film that is left.
        OverlapError: the run was trained on patients of the set, and nobody asked to leave them out.
        ConfigError: `other_patients` of two sets of one origin.
        RunError: files of the run are damaged.
    """
    refuse_other_patients(config.data, run.config.data, config.other_patients)
    cohort = load_to_ask(config.data, progress)
    findings, rows = match_findings(run.labels, cohort), rows_to_ask(cohort)
    cohort.prepare(progress)
    films, (own, sources, notes) = Seen.of(cohort, rows), what_it_saw(run)
    overlap = None if own is None else find_overlap(films, sources, config.data, config.other_patients)
    if overlap is not None and overlap.rows.any():
        if not config.leave_out:
            require_apart(overlap, cohort.name, run.id, len(rows))
        if overlap.rows.all():
            raise DataError(f"{run.id} was trained on the patient of every film of {cohort.name}; nothing is left.")
        rows, films = rows[~overlap.rows], films.at(~overlap.rows)
    return Films(cohort, rows, films, findings, own, overlap, (*cohort.notes, *notes))


def what_it_saw(run: Run) -> tuple[Seen | None, list[tuple[DataConfig, Seen]], list[str]]:
    """The films that a run was made from, sets with those that its networks started from, and what is not known.

    Raises:
        RunError: a list of films is damaged.
    """
    own, config = seen_by(run), run.config
    sources = [] if own is None else [(config.data, own.trained_on)]
    notes = [UNCHECKED.format(run=run.id)] if own is None else []
    for parent in dict.fromkeys(filter(None, (config.teacher_from, config.student_from))):
        try:
            _, further, unknown = what_it_saw(open_run(parent))
        except RunError:
            further, unknown = [], [f"{parent}, which networks of {run.id} started from, is gone."]
        sources += further
        notes += unknown
    if config.teacher_from is None and config.teacher_weights in CHEST_WEIGHTS:
        notes.append(f"The teacher starts from {config.teacher_weights}, whose films are not known here one by one.")
    return own, sources, notes


def fingerprint(run: Run, config: ValidationConfig, cohort: Cohort) -> str:
    """What a result follows from: networks, answers and films of the run, and the set. No image is read.

    Raises:
        RunError: files of the run cannot be read.
    """
    paths = [run.weights_path(member) for member in run.members()]
    paths += [*sorted((run.path / PREDICTIONS).glob("*.*")), run.path / FILE]
    paths += [config.readers] if config.readers is not None else []
    asked = config.model_dump(mode="json", exclude={"name"})
    files = [_identity(path) for path in paths]
    content = {"files": files, "cohort": cohort.fingerprint, "labels": run.labels, "asked": asked}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _identity(path: Path) -> str:
    try:
        return f"{path.name} {identity(path)}"
    except FileNotFoundError:
        return f"{path.name} is not there"
    except OSError as error:
        raise RunError(f"{path.name} cannot be read ({error.strerror or error}); check the run") from error
