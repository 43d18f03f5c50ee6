"""Which films of a data set are of patients that a run was trained on: by their numbers, files and pictures.

A leak costs more than a film that is left out for nothing, so one of the three is enough, and a patient goes with all
films.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxrkd.config import READERS, DataConfig
from cxrkd.data.reading.cells import patient_key
from cxrkd.errors import ConfigError, DataError
from cxrkd.images.likeness import SAME, nearest
from cxrkd.runs.seen import Seen

OWN = "folder"
"""The reader of sets whose origin nobody knows."""
_EXAMPLES = 3


class OverlapError(DataError):
    """Patients of a data set are among those that the run was trained on."""


@dataclass(frozen=True)
class Overlap:
    """The films that a run must not be measured on.

    Attributes:
        rows: bool (N,): the film is of a patient that the run was trained on.
        n_patients: how many such patients there are.
        by_number: films whose patient has the number of one trained on.
        by_file: films whose id or file is called like one trained on.
        by_picture: films whose picture is one trained on.
        examples: up to three films, and why each.
    """

    rows: np.ndarray
    n_patients: int
    by_number: int
    by_file: int
    by_picture: int
    examples: tuple[str, ...]


def refuse_other_patients(theirs: DataConfig, mine: DataConfig, other_patients: bool) -> None:
    """Refuse that numbers mean other people in two sets of one published origin.

    Args:
        theirs: of the films to measure on.
        mine: of the films that the run was made from.
        other_patients: somebody says so.

    Raises:
        ConfigError: they mean the same people.
    """
    if other_patients and OWN not in (theirs.kind, mine.kind) and _numbers_count(theirs, mine, False):
        raise ConfigError(
            f"Both sets are of {READERS[mine.kind].title}, whose numbers mean the same patients; "
            "--other-patients is for tables of your own. Leave it out."
        )


def _numbers_count(theirs: DataConfig, mine: DataConfig, other_patients: bool) -> bool:
    """Whether numbers of patients and names of files mean the same people in both sets."""
    one_origin = READERS[theirs.kind].origin == READERS[mine.kind].origin
    return (OWN in (theirs.kind, mine.kind) or one_origin) and not other_patients


def find_overlap(
    films: Seen, sources: Sequence[tuple[DataConfig, Seen]], data: DataConfig, other_patients: bool
) -> Overlap:
    """The films of patients that a run was trained on.

    Args:
        films: N, to measure on.
        sources: sets, and their films that the run was fitted to and chosen on.
        data: the set of the films to measure on.
        other_patients: numbers and names of that set mean other people; only pictures are compared.
    """
    number, file, picture = (np.zeros(len(films.ids), bool) for _ in range(3))
    whose = np.full(len(films.ids), "", object)
    for config, others in sources:
        if _numbers_count(data, config, other_patients):
            number |= _same_patients(films, others)
            file |= _same_names(films, others)
        if READERS[data.kind].drawn and READERS[config.kind].drawn:
            continue  # drawn bodies are alike (the nearest of 7,140 pairs by 34 bits), and their numbers tell all
        same, names = _same_pictures(films, others)
        picture, whose = picture | same, np.where(same, names, whose)
    direct = number | file | picture
    rows = np.isin(films.patients, films.patients[direct])
    why = np.where(file, "a film of that name", np.where(number, "", np.array([f"the picture of {o}" for o in whose])))
    first = np.sort(np.unique(films.patients[direct], return_index=True)[1])[:_EXAMPLES]  # a film of each patient
    examples = tuple(_example(films, row, str(why[row])) for row in np.flatnonzero(direct)[first].tolist())
    return Overlap(
        rows, len(np.unique(films.patients[rows])), int(number.sum()), int(file.sum()), int(picture.sum()), examples
    )


def _example(films: Seen, row: int, why: str) -> str:
    return f"{films.ids[row]}, {why or f'of patient {films.patients[row]}'}"


def require_apart(overlap: Overlap, name: str, run: str, n_films: int) -> None:
    """Refuse a set that shares patients with what a run was trained on.

    Args:
        overlap: of the set.
        name: what it is called.
        run: id of the run.
        n_films: that were to be measured on.

    Raises:
        OverlapError: it does; says how many, three of them, and what can be done.
    """
    if not overlap.rows.any():
        return
    n = int(overlap.rows.sum())
    people = "1 patient" if overlap.n_patients == 1 else f"{overlap.n_patients:,} patients"
    others = "" if overlap.by_picture else ", or say --other-patients where these names and numbers mean other people"
    raise OverlapError(
        f"{run} was trained on {people} of {name}, with {n:,} of its {n_films:,} films (for example "
        f"{'; '.join(overlap.examples)}). Measure on the other films with --leave-out{others}."
    )


def _same_patients(films: Seen, others: Seen) -> np.ndarray:
    """Bool (N,): spellings of one number are one patient, as in tables."""
    keys = {patient_key(patient) for patient in np.unique(others.patients).tolist()}
    shared = [patient for patient in np.unique(films.patients).tolist() if patient_key(patient) in keys]
    return np.isin(films.patients, shared)


def _same_names(films: Seen, others: Seen) -> np.ndarray:
    """Bool (N,): the same id, or a file of the same name where both sets have only one of that name."""
    single = _once(films.names) & _once(others.names)
    by_file = np.array([name in single for name in films.names.tolist()], bool)
    return np.isin(films.ids, others.ids) | by_file


def _once(names: np.ndarray) -> frozenset[str]:
    """The names that come once."""
    return frozenset(name for name, count in Counter(names.tolist()).items() if count == 1)


def _same_pictures(films: Seen, others: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Bool (N,), and the id of the film that each is most like, str (N,)."""
    if not len(others.ids):
        return np.zeros(len(films.ids), bool), films.ids
    rows, bits = nearest(films.likeness, others.likeness)
    return bits <= SAME, others.ids[rows]


def own_rows(films: Seen, own: Seen) -> np.ndarray | None:
    """Which own film each film is, int (N,): by id or the file's own name, and by the picture; None if one is none."""
    places: dict[str, int] = {}
    for names in (own.names, own.ids):
        once = _once(names)
        places |= {name: row for row, name in enumerate(names.tolist()) if name in once}
    single = _once(films.names)
    rows = [_place(places, *names, single) for names in zip(films.ids.tolist(), films.names.tolist(), strict=True)]
    if None in rows or len(set(rows)) != len(rows):
        return None
    chosen = np.array(rows, dtype=int)
    return chosen if _alike(films.likeness, own.likeness[chosen]) else None


def _place(places: dict[str, int], name: str, file: str, single: frozenset[str]) -> int | None:
    return places.get(name, places.get(file) if file in single else None)


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether hashes uint8 (N, 32) are of the same pictures, row by row."""
    return bool((np.bitwise_count(a ^ b).sum(axis=1) <= SAME).all())
