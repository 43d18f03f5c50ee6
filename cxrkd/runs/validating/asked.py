"""Which films of a data set a run is asked about, and what is known of them by the findings of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxrkd.data.cohort import Cohort
from cxrkd.errors import DataError
from cxrkd.labels import label_key
from cxrkd.text import cut

_SHOWN = 300


@dataclass(frozen=True)
class Findings:
    """The findings of a run and of a data set, matched by name.

    Attributes:
        common: those of both, as the run calls them.
        unknown: those of the run that the set says nothing of.
        left_out: those of the set that the run does not answer.
    """

    common: tuple[str, ...]
    unknown: tuple[str, ...]
    left_out: tuple[str, ...]


def match_findings(labels: Sequence[str], cohort: Cohort) -> Findings:
    """The findings of a run beside those of a cohort; case, spaces, hyphens and underscores do not matter.

    Args:
        labels: K names that the run answers.
        cohort: of the set.

    Raises:
        DataError: they have none in common.
    """
    if not cohort.labels:
        raise DataError(
            f"{cohort.name} says of no film what is on it: expected a table with a column a finding. Without one films "
            "can be audited (python -m cxrkd audit RUN --folder DIR), not measured."
        )
    mine, theirs = {label_key(label) for label in labels}, {label_key(label) for label in cohort.labels}
    found_in_both = tuple(label for label in labels if label_key(label) in theirs)
    if not found_in_both:
        raise DataError(
            f"{cohort.name} has no finding in common with the run: it has {cut(', '.join(cohort.labels), _SHOWN)}; "
            f"expected some of {cut(', '.join(labels), _SHOWN)}. Rename its columns, or name those that are meant."
        )
    return Findings(
        found_in_both,
        tuple(label for label in labels if label_key(label) not in theirs),
        tuple(label for label in cohort.labels if label_key(label) not in mine),
    )


def targets_of(labels: Sequence[str], cohort: Cohort) -> np.ndarray:
    """What a cohort knows, by the findings of a run: float32 (N, K), NaN in a column that the cohort lacks."""
    column = {label_key(label): k for k, label in enumerate(cohort.labels)}
    targets = np.full((len(cohort), len(labels)), np.nan, np.float32)
    for k, label in enumerate(labels):
        if label_key(label) in column:
            targets[:, k] = cohort.targets[:, column[label_key(label)]]
    return targets


def rows_to_ask(cohort: Cohort) -> np.ndarray:
    """Rows (n,) of the test films; of all films where nobody but the reader has split the set, or it is of one part.

    Raises:
        DataError: the set has several splits and no test film.
    """
    if cohort.split_drawn or len(np.unique(cohort.split)) == 1:
        return np.arange(len(cohort))
    rows = cohort.rows("test")
    if not len(rows):
        raise DataError(
            f"{cohort.name} has train and val films and no test film. Put test into its split column where it is to be "
            "measured on, or take the column out to measure on all."
        )
    return rows
