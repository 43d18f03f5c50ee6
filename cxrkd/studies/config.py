"""What a study is told, saved as `study.json` of its job: settings of every run, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from cxrkd.config import RunConfig
from cxrkd.config.seeds import require_seeds
from cxrkd.config.strict import Strict
from cxrkd.text import shown

Part = dict[str, Any]
OWN = ("name", "seeds")
"""Settings of a run that are the study's own."""


class StudyConfig(Strict):
    """A grid of teacher x student x objective over one data set; each cell is a run of all seeds."""

    name: str = Field(min_length=1, max_length=60, title="Name")
    base: Part = Field(
        default_factory=dict,
        title="Settings of every run",
        description="as `distill --config` takes them, only those that are not as by default",
    )
    teachers: tuple[Part, ...] = Field(
        min_length=1, title="Teachers", description="names of networks, or settings of a run that begin with teacher_"
    )
    students: tuple[Part, ...] = Field(
        min_length=1, title="Students", description="names of networks, or settings of a run that begin with student_"
    )
    objectives: tuple[Part, ...] = Field(
        min_length=1, title="Objectives", description="names, or the settings of one with its name"
    )
    seeds: tuple[int, ...] = Field(
        (0, 1, 2), min_length=1, title="Seeds", description="three or more are needed to claim a gain"
    )
    films: int = Field(
        64,
        ge=0,
        title="Films explained",
        description="at most so many test films, drawn at random, on which maps of every cell are held against its "
        "teacher's and against lesions (an audit); 0 for none",
    )

    @field_validator("teachers", "students", "objectives", mode="before")
    @classmethod
    def _names_are_settings(cls, entries: Any, info: Any) -> Any:
        tag = TAGS[info.field_name]
        if not isinstance(entries, list | tuple):
            return entries
        return tuple({tag: entry} if isinstance(entry, str) else _require_settings(entry) for entry in entries)

    @field_validator("teachers", "students")
    @classmethod
    def _entries_keep_to_their_axis(cls, entries: tuple[Part, ...], info: Any) -> tuple[Part, ...]:
        known = settings_of(info.field_name)
        for number, entry in enumerate(entries, 1):
            for key in entry:
                if key not in known:
                    raise ValueError(f"entry {number} has no setting {shown(key)}; expected {', '.join(known)}")
        return entries

    @field_validator("objectives")
    @classmethod
    def _objectives_have_names(cls, entries: tuple[Part, ...]) -> tuple[Part, ...]:
        for number, entry in enumerate(entries, 1):
            if not isinstance(entry.get("name"), str):
                raise ValueError(f"entry {number} does not say which: expected its name, such as name: bkd")
        return entries

    @field_validator("base")
    @classmethod
    def _base_leaves_the_axes_alone(cls, base: Part) -> Part:
        for key in base:
            if key in OWN:
                raise ValueError(f"{key} is the study's own: write it beside base")
            if key not in RunConfig.model_fields:
                raise ValueError(f"a run has no setting {shown(key)}; expected some of {', '.join(_of_every_run())}")
        return base

    @field_validator("films")
    @classmethod
    def _one_film_is_no_cohort(cls, films: int) -> int:
        if films == 1:
            raise ValueError("expected 0 for none, or 2 films or more, got 1")
        return films

    @model_validator(mode="after")
    def _seeds_can_be_drawn_from(self) -> Self:
        require_seeds(self.seeds)
        return self


TAGS = {"teachers": "teacher_arch", "students": "student_arch", "objectives": "name"}
"""Axis -> the setting that an entry which is only a name stands for."""


def settings_of(axis: str) -> Sequence[str]:
    """The settings of a run that an entry of an axis may have.

    >>> settings_of("students")
    ['student_arch', 'student_size', 'student_weights', 'student_from', 'student_train']
    """
    stem = TAGS[axis].partition("_")[0]
    return [name for name in RunConfig.model_fields if name.startswith(f"{stem}_")]


def _of_every_run() -> Sequence[str]:
    return [name for name in RunConfig.model_fields if name not in OWN]


def _require_settings(entry: Any) -> Part:
    if not isinstance(entry, dict) or not all(isinstance(key, str) for key in entry):
        raise ValueError(f"expected names, or objects with settings, got {shown(entry)}")
    if not entry:
        raise ValueError("an entry without settings says nothing; expected a name or settings")
    return entry
