"""The films that a finished run is asked about: its own test films, or those of another data set."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cxrkd.data import load_to_ask
from cxrkd.data.cohort import Cohort
from cxrkd.labels import label_key
from cxrkd.runs.beside import FilmsAsked
from cxrkd.runs.reference import cohort_of
from cxrkd.runs.run import Run
from cxrkd.runs.validating.asked import match_findings, rows_to_ask, targets_of


@dataclass(frozen=True)
class FilmsToAsk:
    """N films.

    Attributes:
        cohort: where they are.
        rows: int (N,), which of it.
        labels: K findings of the run.
        targets: float32 (N, K) of these; NaN of those that the data set does not know.
    """

    cohort: Cohort
    rows: np.ndarray = field(repr=False)
    labels: tuple[str, ...]
    targets: np.ndarray = field(repr=False)

    def masks(self, n: int) -> np.ndarray:
        """Where the findings of film n are marked, bool (K, S, S); all False where nobody marked any."""
        size = self.cohort.size
        own, masks = self.cohort.masks(int(self.rows[n]), size), np.zeros((len(self.labels), size, size), bool)
        column = {label_key(label): k for k, label in enumerate(self.cohort.labels)}
        for k, label in enumerate(self.labels):
            if label_key(label) in column:
                masks[k] = own[column[label_key(label)]]
        return masks

    def some(self, chosen: np.ndarray) -> FilmsToAsk:
        """Those of numbers int (n,)."""
        return FilmsToAsk(self.cohort, self.rows[chosen], self.labels, self.targets[chosen])


def films_to_ask(run: Run, asked: FilmsAsked, *, unlabelled: bool = False) -> FilmsToAsk:
    """The films that a job is about; of another data set the test split, or all where it has none.

    Findings are matched by name.

    Args:
        run: which.
        asked: which films.
        unlabelled: films of which no finding is known will do.

    Raises:
        DataError: the data set is not here, is another one than the run was measured on, or shares no finding with it.
    """
    if asked.data is None:
        cohort = cohort_of(run, asked.folder)
        rows = cohort.rows("test")
    else:
        cohort = load_to_ask(asked.data)
        if cohort.labels or not unlabelled:
            match_findings(run.labels, cohort)
        rows = rows_to_ask(cohort)
    return FilmsToAsk(cohort, rows, run.labels, targets_of(run.labels, cohort)[rows])
