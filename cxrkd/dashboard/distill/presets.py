"""Where the form of a new run starts from: a config for each budget of time, or what another run was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import streamlit as st

from cxrkd.config import ObjectiveConfig, RunConfig, TrainConfig
from cxrkd.data.readers.phantom import PhantomConfig

PresetName = Literal["Quick look", "Small", "Full"]


class Start(Protocol):
    """What a form starts from."""

    @property
    def key(self) -> str:
        """Part of the keys of its widgets, which keep what was entered apart."""
        ...

    @property
    def expect(self) -> str:
        """A word on what to expect."""
        ...

    def config(self, name: str) -> RunConfig:
        """The run that the untouched form describes."""
        ...


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

    @property
    def key(self) -> str:
        """Part of the keys of its widgets."""
        return str(self.patients)

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


@dataclass(frozen=True)
class Like:
    """What a run was told, to be asked for again with changes."""

    run_id: str
    settings: RunConfig
    expect: str = "What you do not change stays as it was in that run."

    @property
    def key(self) -> str:
        """Part of the keys of its widgets."""
        return f"like_{self.run_id}"

    def config(self, name: str) -> RunConfig:
        """The run that the untouched form describes: a run that would be refused today is refused when it is asked."""
        return self.settings.model_copy(update={"name": name})


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


def preset() -> Preset:
    """Which budget the form starts from; outside the form, because it changes the form's defaults."""
    name = st.segmented_control("Size of the run", list(PRESETS), default="Quick look", required=True, key="preset")
    return PRESETS[name or "Quick look"]
