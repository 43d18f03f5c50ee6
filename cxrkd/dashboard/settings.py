"""What pages call the settings of a run: the titles of the config's fields."""

from __future__ import annotations

from pydantic import BaseModel

from cxrkd.config import DATA_CONFIGS, OBJECTIVES, RunConfig, TrainConfig

SECTIONS: dict[str, str] = {
    "teacher_train": "Training of the teacher",
    "student_train": "Training of the students",
    "objective": "Objective",
    "data": "Data and seeds",
}
"""Part of a config -> heading under which the form shows it."""

_PARTS: dict[str, type[BaseModel]] = {
    "teacher_train": TrainConfig,
    "student_train": TrainConfig,
}


def setting_title(key: str, kind: str = "phantom") -> str:
    """What the form calls a dotted key; the key itself where the form has no such setting.

    >>> setting_title("student_train.epochs"), setting_title("data.folder", "chexpert"), setting_title("data.kind")
    ('Training of the students, Epochs at full size', 'Folder', 'Images')

    Args:
        key: dotted, as `setting_name` gives it.
        kind: of the data set, which decides on the settings below `data`.
    """
    part, _, name = key.rpartition(".")
    if key in ("data", "data.kind"):
        return "Images"
    if part == "data":
        return _title(DATA_CONFIGS.get(kind, DATA_CONFIGS["phantom"]), name) or _any_data_title(name) or key
    title = _objective_title(name) if part == "objective" else _title(_PARTS.get(part, RunConfig), name)
    if title is None:
        return key
    return f"{SECTIONS[part]}, {title}" if part else title


def _title(model: type[BaseModel], name: str) -> str | None:
    field = model.model_fields.get(name)
    return None if field is None else field.title


def _objective_title(name: str) -> str | None:
    """Of whichever objective has the setting."""
    return next((title for entry in OBJECTIVES.values() if (title := _title(entry.config, name))), None)


def _any_data_title(name: str) -> str | None:
    """Two runs on data sets of different kinds are compared by settings that only one of them has."""
    return next((title for model in DATA_CONFIGS.values() if (title := _title(model, name))), None)
