"""A film with the maps of teacher and student for one finding, out of what an audit keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cxrkd.answers.truth import marked
from cxrkd.config import Member
from cxrkd.report.pictures import Look, with_maps
from cxrkd.runs.auditing.at_hand import FilmsAtHand
from cxrkd.runs.auditing.cells import Cells
from cxrkd.runs.auditing.gallery import Kind, gallery
from cxrkd.runs.auditing.job import AuditJob

LOOK = Look(scale="own")
"""Where each looks: the strongest colour is each map's own maximum."""
_BLANK = 224


Pair = tuple[np.ndarray, np.ndarray]
"""A film under the teacher's and under the student's map, uint8 (S, S, 3) each."""


@dataclass(frozen=True, eq=False)
class Shelf:
    """A gallery with its pictures, by number of the cell; `at_hand` where they show the films."""

    kinds: list[Kind]
    pictures: Mapping[int, Pair] = field(repr=False)
    at_hand: bool


def shelf(job: AuditJob, student: Member, cells: Cells, films: FilmsAtHand) -> Shelf:
    """The gallery of a student.

    Args:
        job: a finished audit.
        student: whose cells.
        cells: from `cells_of`.
        films: those that are at hand.

    Raises:
        RunError: maps are missing or damaged.
    """
    kinds, pictures = gallery(cells, job.lesions(student)), CellPictures(job, student, films)
    shown = sorted({int(m) for kind in kinds for m in kind.cells})
    drawn = {m: pictures.pair(int(cells.films[m]), int(cells.labels[m])) for m in shown}
    return Shelf(kinds, drawn, films.cohort is not None)


class CellPictures:
    """Pictures of cells.

    Args:
        job: a finished audit.
        student: whose maps stand beside the teacher's.
        films: those that are at hand; a map without its film is drawn on black.
    """

    def __init__(self, job: AuditJob, student: Member, films: FilmsAtHand) -> None:
        self._maps = {"teacher": job.maps("teacher")[0], str(student): job.maps(student)[0]}
        self._films, self._labels = films, job.run().labels

    def pair(self, n: int, k: int) -> Pair:
        """Film n under both maps of label k."""
        film = self._films.film(n)
        pixels = np.zeros((_BLANK, _BLANK), np.float32) if film is None else film.pixels
        mask = None if film is None else marked(film, self._labels[k])
        drawn = with_maps(pixels, {name: maps[n, k] for name, maps in self._maps.items()}, LOOK, mask=mask)
        teacher, student = drawn.values()
        return teacher, student
