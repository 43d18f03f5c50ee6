"""Cells of an audit worth a look: where teacher and student are least and most alike, and lesions that are missed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxrkd.explain.cohort_lesions import OWN, CohortLesions
from cxrkd.runs.auditing.cells import Cells

EACH = 3
"""Cells of a kind that are shown."""


@dataclass(frozen=True, eq=False)
class Kind:
    """Cells of one kind, the clearest first: `cells` int (n,), numbers in `Cells`; no two are of one film."""

    title: str
    sentence: str
    cells: np.ndarray


def gallery(cells: Cells, lesions: CohortLesions, each: int = EACH) -> list[Kind]:
    """The kinds of which there are cells.

    Args:
        cells: of a student.
        lesions: its maps against marked findings.
        each: cells of a kind at most.
    """
    kinds = [
        Kind(
            "Same answer, another reason",
            "They answer alike, and of all such cells these maps are least alike.",
            _alike(cells, cells.field(same_answer=True, same_reason=False)),
        ),
        Kind(
            "Other answer, least alike maps",
            "They answer differently, and look at different places.",
            _alike(cells, cells.field(same_answer=False, same_reason=False)),
        ),
        Kind(
            "Most alike maps",
            "Of all cells these agree best.",
            _alike(cells, np.argsort(-cells.agreement, kind="stable")),
        ),
        Kind(
            "Lesions missed by the student",
            "The maximum of its map lies outside the marked lesion, and least of its evidence inside.",
            _missed(cells, lesions),
        ),
    ]
    few = [Kind(kind.title, kind.sentence, _one_a_film(cells, kind.cells)[:each]) for kind in kinds]
    return [kind for kind in few if len(kind.cells)]


def _alike(cells: Cells, order: np.ndarray) -> np.ndarray:
    """Those whose maps can be compared."""
    return np.asarray(order[~np.isnan(cells.agreement[order])])


def _missed(cells: Cells, lesions: CohortLesions) -> np.ndarray:
    """Cells of lesions that the maximum of the map misses, those with the least evidence in the lesion first."""
    number = {(int(n), int(k)): m for m, (n, k) in enumerate(zip(cells.films, cells.labels, strict=True))}
    own = lesions.figures[OWN]
    missed = np.flatnonzero(own["hit"] == 0)
    order = missed[np.argsort(np.nan_to_num(own["energy"][missed]), kind="stable")]
    where = ((int(lesions.films[i]), int(lesions.labels[i])) for i in order)
    return np.array([number[cell] for cell in where if cell in number], np.intp)


def _one_a_film(cells: Cells, order: np.ndarray) -> np.ndarray:
    """The first cell of each film, in order."""
    _, first = np.unique(cells.films[order], return_index=True)
    return np.asarray(order[np.sort(first)])
