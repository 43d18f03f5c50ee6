"""What a run is known by, whatever it is called: two of one key learn the same, and one of them is enough.

A teacher is known by what it was trained on, not by the run that lends it, and a student alone by the labels' side of
its objective: so both can be shared between runs, and a run that borrows is the same as one that does not.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cxrkd.config import RunConfig
from cxrkd.errors import RunError
from cxrkd.runs.run import open_run

_NAMES = {"name", "download"}
"""What is no part of what a run learns."""


def asked_key(config: RunConfig) -> str:
    """Of a run as it is asked for: a teacher that is borrowed is known by the run that lends it."""
    return _digest(config.model_dump(mode="json", exclude=_NAMES))


def cell_key(config: RunConfig) -> str:
    """Of a run apart from its control, which may be another's."""
    return _digest(_without_teacher(config) | {"teacher": teacher_key(config)})


def teacher_key(config: RunConfig) -> str:
    """Of the teacher: what it is and was trained on, by way of the runs that lend it.

    One whose lender is gone is known by its name.
    """
    lenders: list[str] = []
    while config.teacher_from is not None:
        lenders.append(config.teacher_from)
        try:
            config = open_run(config.teacher_from).config
        except RunError:
            return _digest({"from": lenders[-1]})
        if config.teacher_from in lenders:  # files that somebody wrote by hand
            return _digest({"from": lenders[-1]})
    own = {name for name in RunConfig.model_fields if name.startswith("teacher_")} - {"teacher_from"}
    return _digest(config.model_dump(mode="json", include=own | {"data"}) | {"seed": config.seeds[0]})


def control_key(config: RunConfig) -> str:
    """Of the students alone: everything but the teacher and what is learned from it."""
    return _digest(_without_teacher(config) | {"objective": config.objective.label_side})


def _without_teacher(config: RunConfig) -> dict[str, Any]:
    """What the students of a run are told, apart from who teaches them."""
    values = config.model_dump(mode="json", exclude=_NAMES | {"control"})
    return {key: value for key, value in values.items() if not key.startswith("teacher_")}


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:24]
