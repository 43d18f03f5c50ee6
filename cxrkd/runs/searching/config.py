"""What a search is told: the settings of a run, which of them are tried, between what, and how often."""

from __future__ import annotations

import json
import math
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from cxrkd.config import OBJECTIVES, RunConfig
from cxrkd.config.strict import Strict
from cxrkd.refusals import refusals
from cxrkd.text import cut

PARTS = ("student_train", "objective")
NETWORK = ("student_arch", "student_size", "student_weights")
"""What may be tried: how a student is taught, and what it is. Another teacher, or other films, would make values that
compare with nothing."""


class Range(Strict):
    """What one setting is tried between: exactly one of `floats`, `ints` and `choice`.

    Attributes:
        floats: from and to.
        ints: from and to, both included.
        choice: a list of values.
        log: whether equal factors are as likely, rather than equal steps.
    """

    floats: tuple[float, float] | None = None
    ints: tuple[int, int] | None = None
    choice: tuple[Any, ...] | None = Field(None, min_length=1)
    log: bool = False

    @model_validator(mode="after")
    def _is_one_range(self) -> Self:
        if sum(kind is not None for kind in (self.floats, self.ints, self.choice)) != 1:
            raise ValueError("expected exactly one of floats: [FROM, TO], ints: [FROM, TO] and choice: [A, B]")
        bounds = self.floats or self.ints
        if self.log and (bounds is None or bounds[0] <= 0):
            raise ValueError("log is for numbers above 0")
        if bounds is not None and bounds[0] > bounds[1]:
            raise ValueError(f"expected the smaller number first, got {bounds[0]:g} and {bounds[1]:g}")
        if any(not isinstance(one, str | bool | int | float) for one in self.choice or ()):
            raise ValueError("expected texts, numbers, true or false to choose from")
        return self

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that have to be possible; of numbers with fractions one that has a fraction, too."""
        if self.floats is not None:
            low, high = self.floats
            return (low, high, low + (high - low) / math.e)
        return self.choice or self.ints or ()


class SearchConfig(Strict):
    """One search.

    Attributes:
        name: of its folder, and of the best settings.
        base: what is not tried; a run that reuses the teacher of another.
        ranges: dotted key of a run's settings -> what it is tried between.
        trials: students that are trained, pruned ones included.
        seed: of what is tried; trials are trained with the first seed of `base`.
    """

    name: str = Field(min_length=1, max_length=80)
    base: RunConfig
    ranges: dict[str, Range] = Field(min_length=1)
    trials: int = Field(20, ge=1, le=10_000)
    seed: int = Field(0, ge=0, le=2**31)

    @model_validator(mode="after")
    def _teaches_under_one_teacher(self) -> Self:
        if self.base.teacher_from is None:
            raise ValueError(
                "a search trains students under the teacher of a finished run: name it in base, teacher_from"
            )
        return self

    @model_validator(mode="after")
    def _tries_settings_of_students(self) -> Self:
        for key, tried in self.ranges.items():
            part, _, name = key.partition(".")
            if key not in NETWORK and (part not in PARTS or not name or "." in name):
                raise ValueError(
                    f"range of {cut(key)}: expected a key of {' or '.join(PARTS)}, or one of {', '.join(NETWORK)}"
                )
            for value in tried.ends:
                self._refuse_impossible(key, value)
        return self

    def _refuse_impossible(self, key: str, value: Any) -> None:
        """A key that does not exist or a value out of range; what only goes with others a trial will tell."""
        try:
            self.settings_with({key: value})
        except ValidationError as error:
            refused = refusals(error, lambda name: name)
            if key in refused:
                raise ValueError(f"range of {refused[key].rstrip('.')}") from error

    def settings_with(self, values: dict[str, Any]) -> RunConfig:
        """The settings of a run with those values, dotted key -> value.

        Another objective leaves behind what it does not know of the base's.

        Raises:
            ValidationError: they do not go together.
        """
        whole = self.base.model_dump(mode="json")
        for key in sorted(values, key=lambda key: key != "objective.name"):
            part, _, name = key.rpartition(".")
            (whole[part] if part else whole)[name] = values[key]
            if key == "objective.name" and values[key] in OBJECTIVES:
                known = OBJECTIVES[values[key]].config.model_fields
                whole[part] = {own: value for own, value in whole[part].items() if own in known}
        return RunConfig.model_validate_json(json.dumps(whole))
