"""Which cells a gallery picks, on cells that are written down here."""

import numpy as np

from cxrkd.explain.cohort_lesions import MEASURES, OWN, RIVALS, CohortLesions
from cxrkd.runs.auditing.cells import Cells
from cxrkd.runs.auditing.gallery import gallery

#         film label agreement same answer, same reason, present
ROWS = [
    (0, 0, 0.10, True, False, True),
    (0, 1, 0.05, True, False, True),  # the least alike of film 0
    (1, 0, -0.50, True, False, True),  # the least alike of all
    (2, 0, np.nan, True, False, True),  # a flat map: nothing to compare
    (3, 0, 0.90, True, True, True),
    (4, 0, 0.95, False, True, False),
    (5, 1, -0.20, False, False, False),
    (6, 1, 0.30, True, False, True),
    (7, 1, 0.20, True, False, True),
]


def cells():
    films, labels, agreement, answer, reason, present = map(np.array, zip(*ROWS, strict=True))
    probs = np.full(len(ROWS), 0.5)
    return Cells(films, labels, probs, probs, agreement, answer, reason, present, np.ones(len(ROWS), bool))


def lesions(hits, energies, where):
    films, labels = (np.array(column, int) for column in zip(*where, strict=True)) if where else (np.empty(0, int),) * 2
    own = {"hit": np.array(hits, float), "energy": np.array(energies, float)}
    figures = {name: own | {m: np.zeros(len(where)) for m in MEASURES if m not in own} for name in (OWN, *RIVALS)}
    return CohortLesions(films, labels, np.full(len(where), 0.1), figures)


def picked(each=2, found=None):
    return {
        kind.title: [ROWS[m][:2] for m in kind.cells] for kind in gallery(cells(), found or lesions([], [], []), each)
    }


def test_the_least_and_the_most_alike_come_first_and_no_film_twice():
    found = picked()
    assert found["Same answer, another reason"] == [(1, 0), (0, 1)]
    assert found["Other answer, least alike maps"] == [(5, 1)]
    assert found["Most alike maps"] == [(4, 0), (3, 0)]
    assert picked(each=9)["Same answer, another reason"] == [(1, 0), (0, 1), (7, 1), (6, 1)]
    assert len(picked(each=9)["Most alike maps"]) == 7, "a film each, and none whose maps cannot be compared"


def test_missed_lesions_are_those_whose_peak_is_outside_with_the_least_evidence_inside():
    where = [(3, 0), (1, 0), (2, 0), (6, 1), (0, 0)]
    found = picked(each=3, found=lesions([1, 0, 0, 0, 0], [0.0, 0.3, np.nan, 0.1, 0.4], where))
    assert found["Lesions missed by the student"] == [(2, 0), (6, 1), (1, 0)]
    assert "Lesions missed by the student" not in picked(found=lesions([1], [0.5], [(3, 0)]))
