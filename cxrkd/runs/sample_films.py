"""On which films a run can be looked at: test films of its own data set, else the real ones that ship.

A run that learned from patients usually comes without them. Where they are not here, the films that ship stand in for
them, if they come from the same source and their labels are those that the run answers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cxrkd.config import READERS, DataConfig
from cxrkd.data import is_here, load_cohort
from cxrkd.data.cohort import Cohort
from cxrkd.data.readers.samples import SamplesConfig
from cxrkd.images.film import Film
from cxrkd.labels import CHESTXRAY14
from cxrkd.runs.run import Run

MIN_OTHERS, MAX_OTHERS = 12, 24
SHIPPED = "{n} real films of ChestX-ray14's test patients, with labels by five radiologists."
UNSEEN = "This run was trained on none of these patients."
PARTLY_KNOWN = (
    "This run was trained on other films of that data set: on none of {known} of these patients; of the other {rest} "
    "that is not known."
)
UNKNOWN = "This run was trained on other films of that data set; whether on any of these patients is not known."
PATIENT_UNSEEN = "This run was not trained on this patient."
PATIENT_UNKNOWN = "This run was trained on other films of that data set; whether on this patient is not known."


def films_of(run: Run, may_show: Callable[[DataConfig], bool] = is_here) -> DataConfig | None:
    """The data set whose test films a run can be looked at on, at the size of its networks; None where there is none.

    Args:
        run: whose config can be read.
        may_show: whether the films of a data set are here, and may be shown to whoever asks.

    Raises:
        RunError: its config or labels are damaged.
    """
    own = run.config.data
    if may_show(own):
        return own
    return shipped_for(run)


def shipped_for(run: Run) -> SamplesConfig | None:
    """The films that ship, for a run whose patients come from the same source and that answers their labels.

    Raises:
        RunError: its config or labels are damaged.
    """
    own = run.config.data
    same_source = READERS[own.kind].origin == READERS["samples"].origin
    if not same_source or set(run.labels) != set(CHESTXRAY14):
        return None
    return SamplesConfig(image_size=own.image_size)


def other_films(run: Run, film: Film, may_show: Callable[[DataConfig], bool] = is_here) -> np.ndarray | None:
    """Films of other patients than a film's, float32 (n, S, S) in [0, 1]; None where there are too few.

    Args:
        run: whose test films they are, or those that ship in their place.
        film: of a data set or a file; of a file the patient is not known, and the file itself is left out.
        may_show: as for `films_of`.
    """
    config = films_of(run, may_show)
    if config is None:
        return None
    table = load_cohort(config)
    known = {film.patient, film.name} - {""}
    rows = [row for row in table.rows("test") if not known & {str(table.patients[row]), str(table.ids[row])}]
    spread = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MAX_OTHERS)).astype(int))]
    return np.stack([table.film(row).pixels for row in spread]) if len(spread) >= MIN_OTHERS else None


def unseen(films: Cohort, test_patients: np.ndarray) -> np.ndarray:
    """Films that a run has certainly not been trained on, bool (N,): those of its own test patients, str (M,).

    A run keeps who its test patients are, and not whom it was trained on: of other patients nothing is known.
    """
    return np.isin(films.patients, test_patients)


def about_shipped(films: Cohort, test_patients: np.ndarray) -> str:
    """What has to be said beside the films that ship when a run of these test patients, str (M,), answers them."""
    known = int(unseen(films, test_patients).sum())
    what = UNSEEN if known == len(films) else PARTLY_KNOWN if known else UNKNOWN
    return f"{SHIPPED.format(n=len(films))} {what.format(known=known, rest=len(films) - known)}"


def about_patient(films: Cohort, image_id: str, test_patients: np.ndarray) -> str:
    """The same beside one of the films.

    Raises:
        DataError: no film has that id.
    """
    return PATIENT_UNSEEN if unseen(films, test_patients)[films.row_of(image_id)] else PATIENT_UNKNOWN
