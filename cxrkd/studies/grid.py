"""The cells of a study: what each of its runs is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from pydantic import ValidationError

from cxrkd.config import OBJECTIVES, ObjectiveConfig, RunConfig
from cxrkd.config.filling import with_defaults
from cxrkd.config.objective import ObjectiveTerm
from cxrkd.errors import ConfigError
from cxrkd.refusals import refusals
from cxrkd.studies.config import TAGS, Part, StudyConfig
from cxrkd.studies.keys import asked_key
from cxrkd.text import cut

MOST_CELLS = 1000
_LONGEST_NAME = 80  # of a run


@dataclass(frozen=True)
class Cell:
    """One cell: a run of all seeds.

    Attributes:
        number: from 0, in the order of the grid.
        teacher, student, objective: what the entry of each axis is called.
        config: of its run, as it would be if it were the only one.
    """

    number: int
    teacher: str
    student: str
    objective: str
    config: RunConfig = field(repr=False)

    @property
    def title(self) -> str:
        """What people read: `densenet121 → eeea_net_c2, bkd`."""
        return f"{self.teacher} → {self.student}, {self.objective}"

    @property
    def stage(self) -> str:
        """Name of the stage that trains it."""
        return f"cell-{self.number}"


def grid(study: StudyConfig) -> tuple[Cell, ...]:
    """Every cell, teacher by teacher, so that one which is shared is trained first.

    Raises:
        ConfigError: settings of a cell are refused, or two cells are the same run; says which. Or there are too many.
    """
    n_cells = len(study.teachers) * len(study.students) * len(study.objectives)
    if n_cells > MOST_CELLS:
        raise ConfigError(
            f"{len(study.teachers)} teachers x {len(study.students)} students x {len(study.objectives)} objectives are "
            f"{n_cells:,} cells; expected at most {MOST_CELLS:,}, each of which is a run. Make several studies of them."
        )
    axes = [[(_title(axis, entry), entry) for entry in getattr(study, axis)] for axis in TAGS]
    cells, known = [], dict[str, Cell]()
    for number, (teacher, student, objective) in enumerate(product(*axes)):
        titles = (teacher[0], student[0], objective[0])
        cell = Cell(number, *titles, _config(study, titles, teacher[1], student[1], objective[1]))
        other = known.setdefault(asked_key(cell.config), cell)
        if other is not cell:
            raise ConfigError(f"{_both(other, cell)} are the same run: take one of them out of the study.")
        cells.append(cell)
    return tuple(cells)


def _both(a: Cell, b: Cell) -> str:
    return f"Two cells called {a.title}" if a.title == b.title else f"{a.title} and {b.title}"


def _config(
    study: StudyConfig, titles: tuple[str, str, str], teacher: Part, student: Part, objective: Part
) -> RunConfig:
    """What the run of a cell is told.

    Raises:
        ConfigError: it is refused.
    """
    base = study.base
    own = {**_chosen(base, teacher), **{key: _merged(base.get(key), value) for key, value in student.items()}}
    values = {**base, **own, "objective": _objective(base.get("objective"), objective), "seeds": list(study.seeds)}
    # What tells cells apart comes first: ids are made of the beginning.
    values["name"] = cut(f"{titles[2]}, {titles[0]}, {titles[1]}: {study.name}", _LONGEST_NAME)
    try:
        return RunConfig.model_validate(with_defaults(values))
    except ValidationError as error:
        sentences = " ".join(dict.fromkeys(refusals(error, lambda key: key).values()))
        raise ConfigError(f"{' → '.join(titles[:2])}, {titles[2]}: {sentences}") from error


def _chosen(base: Mapping[str, Any], teacher: Part) -> Part:
    """The settings of a teacher; one that is named is trained, whatever run the base takes its own from."""
    borrowed = {"teacher_from": None} if "teacher_arch" in teacher else {}
    return borrowed | {key: _merged(base.get(key), value) for key, value in teacher.items()}


def _merged(before: Any, value: Any) -> Any:
    """A setting, or a part of which only some are given over those of the base."""
    return before | value if isinstance(before, dict) and isinstance(value, dict) else value


def _objective(before: Any, given: Part) -> Part:
    """The settings of an objective: over those of the base where that has the same one.

    Of another one the base says how labels and teacher are weighed and what the teacher answers; what is taken from the
    teacher is each objective's own.
    """
    if not isinstance(before, dict):
        return given
    if before.get("name", "paper") == given["name"]:
        return before | given
    known = OBJECTIVES[given["name"]].config
    fields = {} if known is None else known.model_fields
    shared = ObjectiveConfig.model_fields.keys() - ObjectiveTerm.model_fields.keys() - {"also"}
    return {key: value for key, value in before.items() if key in shared and key in fields} | given


def _title(axis: str, entry: Part) -> str:
    """What an entry is called: its name, and what else it says."""
    tag = TAGS[axis]
    stem = f"{tag.rpartition('_')[0]}_" if "_" in tag else ""
    values = {key.removeprefix(stem): value for key, value in entry.items()}
    name = values.pop(tag.removeprefix(stem), None)
    if name is None and axis == "teachers" and "from" in values:
        name = f"teacher of {values.pop('from')}"
    others = [f"{key.replace('_', ' ')} {value}" for key, value in _flat(values)]
    return ", ".join([str(name), *others] if name else others)


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Settings as text, those of a part after its name."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key} ")
        elif isinstance(value, list | tuple):
            names = [one.get("name", one) if isinstance(one, dict) else one for one in value]
            yield f"{above}{key}", " + ".join(map(str, names))
        else:
            yield f"{above}{key}", str(value)
