"""The form of a new run: widgets -> `RunConfig`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel, ValidationError

from cxrkd.access import folders
from cxrkd.cli.names import comma_separated
from cxrkd.config import (
    DATA_CONFIGS,
    OBJECTIVES,
    ObjectiveConfig,
    PhantomConfig,
    RunConfig,
    StudentWeights,
    TrainConfig,
    Weights,
)
from cxrkd.dashboard.distill.fields import choice, choices, complain, integer, real, switch, text
from cxrkd.dashboard.layout import side_by_side
from cxrkd.dashboard.settings import SECTIONS, setting_title
from cxrkd.errors import ConfigError
from cxrkd.models import list_archs
from cxrkd.models.ensemble import JOIN
from cxrkd.refusals import refusals
from cxrkd.text import shown

AGAIN = "Change it and press Distil again."
PresetName = Literal["Quick look", "Small", "Full"]
DATA_TITLES = {
    "phantom": "Phantom radiographs, drawn here",
    "chestxray14": "ChestX-ray14",
    "chexpert": "CheXpert",
    "padchest": "PadChest",
    "chestmnist": "ChestMNIST",
    "folder": "A folder of images with a CSV",
}


@dataclass(frozen=True)
class Preset:
    """Defaults of the form for one budget, and a word on what to expect."""

    patients: int
    image_size: int
    teacher: TrainConfig
    student: TrainConfig
    seeds: int
    expect: str
    objective: ObjectiveConfig = field(default_factory=lambda: ObjectiveConfig.named("paper"))

    def config(self, name: str) -> RunConfig:
        """The run that the untouched form describes."""
        return RunConfig(
            name=name,
            data=PhantomConfig(n_patients=self.patients, image_size=self.image_size),
            teacher_train=self.teacher,
            student_train=self.student,
            objective=self.objective,
            seeds=tuple(range(self.seeds)),
        )


PRESETS: dict[PresetName, Preset] = {
    "Quick look": Preset(
        patients=120,
        image_size=64,
        teacher=TrainConfig(epochs=3, warm_epochs=0, learning_rate=1e-3),
        student=TrainConfig(epochs=4, warm_epochs=0, learning_rate=2e-3),
        seeds=1,
        expect="Shows how a run works. Too little data for a good model.",
    ),
    "Small": Preset(
        patients=600,
        image_size=128,
        teacher=TrainConfig(epochs=2, warm_epochs=4, learning_rate=1e-3),
        student=TrainConfig(epochs=3, warm_epochs=6),
        seeds=1,
        expect="Clear findings are learnt, faint ones are not.",
    ),
    "Full": Preset(
        patients=2000,
        image_size=224,
        teacher=RunConfig.model_fields["teacher_train"].default,
        student=TrainConfig(),
        seeds=3,
        expect="What the shipped run did, step by step.",
        objective=ObjectiveConfig.named("bkd", alpha=0.3),
    ),
}


def data_kind() -> str:
    """Which data set the run is made on; outside the form, because it changes the form's fields."""
    kind = st.selectbox("Images", list(DATA_TITLES), format_func=lambda kind: DATA_TITLES[kind], key="data_kind")
    return kind or "phantom"


def preset() -> Preset:
    """Which budget the form starts from; outside the form, because it changes the form's defaults."""
    name = st.segmented_control("Size of the run", list(PRESETS), default="Quick look", required=True, key="preset")
    return PRESETS[name or "Quick look"]


def run_config(start: Preset, kind: str, finished: Sequence[str], suggested_name: str) -> RunConfig | None:
    """The form for a run; the config when it is submitted, else None.

    Args:
        start: defaults.
        kind: of the data set, of `DATA_TITLES`.
        finished: ids of runs whose teacher can be reused.
        suggested_name: default of the name field.

    Raises:
        ConfigError: the entries contradict each other.
    """
    prefix = f"new_{start.patients}"
    with st.form(f"{prefix}_form", border=True):
        values = _what(start, finished, suggested_name, prefix)
        folder = {} if kind == "phantom" else _folder(kind, f"{prefix}_{kind}_folder")
        left, right = side_by_side()
        with left, st.expander(SECTIONS["teacher_train"]):
            values["teacher_train"] = train_values(start.teacher, f"{prefix}_teacher")
        with right, st.expander(SECTIONS["student_train"]):
            values["student_train"] = train_values(start.student, f"{prefix}_student")
        with left, st.expander(SECTIONS["objective"]):
            values["objective"] = objective_values(start.objective, f"{prefix}_objective")
        with right, st.expander(SECTIONS["data"]):
            values |= {"data": data_values(kind, start, f"{prefix}_{kind}") | folder, "seeds": _seeds(start, prefix)}
        with left, st.expander("Pretrained weights"):
            values |= _weights(finished, prefix)
        submitted = st.form_submit_button("Distil", type="primary", icon=":material/science:")
    return validated(values) if submitted else None


def validated(values: dict[str, Any]) -> RunConfig:
    """Build the config from the form's values (`seeds` as typed); what cannot be taken is named by the fields' titles.

    Raises:
        ConfigError: a value is out of range or contradicts another.
        AccessError: the folder is not open to pages.
    """
    data = values.get("data", {})
    if data.get("folder") is not None:  # before anything expands or resolves what was typed
        values = values | {"data": data | {"folder": folders.admit(data["folder"])}}
    try:
        return RunConfig.model_validate(values | {"seeds": parse_seeds(values["seeds"])})
    except ValidationError as error:
        kind = values.get("data", {}).get("kind", "phantom")
        sentences = list(refusals(error, lambda key: setting_title(key, kind)).values())
        raise ConfigError(" ".join([*sentences, AGAIN])) from error


def _what(start: Preset, finished: Sequence[str], suggested_name: str, prefix: str) -> dict[str, Any]:
    cells = st.grid(3, min_column_width=200)
    with cells.cell():
        entered = st.text_input("Name", suggested_name, max_chars=80, key=f"{prefix}_name")
    with cells.cell():
        archs = choices(RunConfig, "teacher_arch", list_archs("teacher"), ["densenet121"], key=f"{prefix}_teacher_arch")
    with cells.cell():
        small = choice(RunConfig, "student_arch", list_archs("student"), "eeea_net_c2", key=f"{prefix}_student_arch")
    reuse, control = st.columns([1, 2], vertical_alignment="bottom")
    with reuse:
        source = _finished_run("teacher_from", finished, "train a new one", key=f"{prefix}_teacher_from")
    field = RunConfig.model_fields["control"]
    with control:
        alone = st.checkbox(str(field.title), True, help=field.description, key=f"{prefix}_control")
    return {
        "name": entered.strip(),
        "teacher_arch": JOIN.join(archs),
        "student_arch": small,
        "teacher_from": source,
        "control": alone,
    }


def _weights(finished: Sequence[str], prefix: str) -> dict[str, Any]:
    """What the networks start from; a network without the chosen weights is refused with a list of what it has."""
    left, right = st.columns(2)
    with left:
        teacher = choice(RunConfig, "teacher_weights", get_args(Weights), "none", key=f"{prefix}_teacher_weights")
        trained = switch(RunConfig, "teacher_trained", True, key=f"{prefix}_teacher_trained")
    with right:
        student = choice(
            RunConfig, "student_weights", get_args(StudentWeights), "none", key=f"{prefix}_student_weights"
        )
        source = _finished_run("student_from", finished, "no run", key=f"{prefix}_student_from")
    download = switch(RunConfig, "download", False, key=f"{prefix}_download")
    chosen = {"teacher_weights": teacher, "teacher_trained": trained, "student_from": source}
    return chosen | {"student_weights": student, "download": download}


def _finished_run(name: str, finished: Sequence[str], none: str, *, key: str) -> str | None:
    """A select box for a field that names a finished run, or none."""
    field = RunConfig.model_fields[name]
    return st.selectbox(
        str(field.title),
        [None, *finished],
        format_func=lambda run_id: run_id or none,
        key=key,
        help=field.description,
    )


def train_values(start: TrainConfig, key: str) -> dict[str, Any]:
    """Widgets for one network's training; the values of a `TrainConfig`, not yet checked."""
    left, right = st.columns(2)
    with left:
        epochs = integer(TrainConfig, "epochs", start.epochs, key=f"{key}_epochs")
        warm_epochs = integer(TrainConfig, "warm_epochs", start.warm_epochs, key=f"{key}_warm_epochs")
        batch_size = integer(TrainConfig, "batch_size", start.batch_size, key=f"{key}_batch", step=8)
        augment = switch(TrainConfig, "augment", start.augment, key=f"{key}_augment")
    with right:
        rate = real(TrainConfig, "learning_rate", start.learning_rate, key=f"{key}_rate", step=1e-4)
        warm_size = integer(TrainConfig, "warm_size", start.warm_size, key=f"{key}_warm_size", step=32)
        decay = real(TrainConfig, "weight_decay", start.weight_decay, key=f"{key}_decay", step=0.005)
        mixup = real(TrainConfig, "mixup", start.mixup, key=f"{key}_mixup", step=0.1)
        precision = choice(TrainConfig, "precision", ["32-true", "bf16-mixed"], start.precision, key=f"{key}_precision")
    return {
        "epochs": epochs,
        "warm_epochs": warm_epochs,
        "warm_size": warm_size,
        "batch_size": batch_size,
        "learning_rate": rate,
        "weight_decay": decay,
        "precision": precision,
        "augment": augment,
        "mixup": mixup,
    }


def objective_values(start: ObjectiveConfig, key: str) -> dict[str, Any]:
    """Widgets for the distillation loss; the list of objectives comes from their registry."""
    name = choice(ObjectiveConfig, "name", list(OBJECTIVES), start.name, key=f"{key}_name", titles=OBJECTIVES)
    for objective in OBJECTIVES.values():
        st.caption(f"**{objective.title}**: {objective.sentence} ({objective.source})")
    view = choice(ObjectiveConfig, "view", ["cached", "same"], start.view, key=f"{key}_view")
    values: dict[str, Any] = {"name": name, "view": view}
    models: dict[str, type[ObjectiveConfig]] = {"alpha": ObjectiveConfig, **_own_settings()}
    for column, (setting, model) in zip(st.columns(len(models)), models.items(), strict=True):
        with column:
            value = float(getattr(start, setting, model.model_fields[setting].default))
            step = 0.05 if setting == "alpha" else 0.5
            values[setting] = real(model, setting, value, key=f"{key}_{setting}", step=step)
    return {setting: values[setting] for setting in OBJECTIVES[name].config.model_fields if setting in values}


def _own_settings() -> dict[str, type[ObjectiveConfig]]:
    """The settings that not all objectives have, and a config that has them: a form cannot change while it is open."""
    models = [objective.config for objective in OBJECTIVES.values()]
    return {name: model for model in models for name in model.model_fields if name not in ObjectiveConfig.model_fields}


def _folder(kind: str, key: str) -> dict[str, str | None]:
    """Where a data set is. Nothing typed is an error, except for ChestMNIST, which has a place of its own."""
    entered = text(DATA_CONFIGS[kind], "folder", "", key=key)
    if not entered and kind != "chestmnist":
        return {}
    return {"folder": entered or None}


def data_values(kind: str, start: Preset, key: str) -> dict[str, Any]:
    """Widgets for every setting of one kind of data set but its folder; the values, not yet checked."""
    model = DATA_CONFIGS[kind]
    defaults = {"n_patients": start.patients, "image_size": start.image_size}
    columns = st.columns(2)
    values: dict[str, Any] = {"kind": kind}
    for index, name in enumerate(n for n in model.model_fields if n not in ("kind", "folder")):
        with columns[index % 2]:
            value = defaults.get(name, model.model_fields[name].default)
            values[name] = _data_value(model, name, value, f"{key}_{name}")
    return values


def _data_value(model: type[BaseModel], name: str, value: Any, key: str) -> Any:
    """The widget that fits the type of a field."""
    kind = model.model_fields[name].annotation
    if get_origin(kind) is Literal:
        options = {str(option): option for option in get_args(kind)}
        return options[choice(model, name, list(options), str(value), key=key)]
    if kind is bool:
        return switch(model, name, value, key=key)
    if kind is int:
        return integer(model, name, value, key=key, step={"n_patients": 20, "image_size": 32}.get(name, 1))
    if get_origin(kind) is tuple:
        return tuple(comma_separated(text(model, name, ", ".join(value), key=key)))
    return text(model, name, str(value), key=key)


def _seeds(start: Preset, prefix: str) -> str:
    entered = st.text_input(
        "Seeds of the students",
        ", ".join(str(i) for i in range(start.seeds)),
        key=f"{prefix}_seeds",
        help="whole numbers; three or more are needed to claim a gain; the weights of the first are kept",
    )
    try:
        parse_seeds(entered)
    except ConfigError as error:
        complain(str(error))
    return entered


LONGEST_SEED = 20  # digits, far beyond any seed that is taken: Python does not read numbers of thousands


def parse_seeds(text: str) -> tuple[int, ...]:
    """`"0, 1 2"` -> `(0, 1, 2)`.

    Raises:
        ConfigError: something in it is not a whole number, or there is none.
    """
    words = [word for word in re.split(r"[,\s]+", text) if word]
    if not words or not all(word.isdecimal() and len(word) <= LONGEST_SEED for word in words):
        raise ConfigError(f"Seeds are whole numbers with commas between them, for example 0, 1, 2. Got {shown(text)}.")
    return tuple(int(word) for word in words)
