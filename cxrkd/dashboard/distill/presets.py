"""Where the form of a new run starts from: a config for each budget of time, or what another run was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import streamlit as st

from cxrkd.config import READERS, ObjectiveConfig, RunConfig, StudentWeights, TrainConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.runs import Run
from cxrkd.runs.choosing import finished_runs

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

    def config(self, name: str, kind: str = "phantom") -> RunConfig:
        """The run that the untouched form describes, on images of that kind."""
        ...


@dataclass(frozen=True)
class Preset:
    """Defaults of the form for one budget, and a word on what to expect.

    Attributes:
        borrows: whether the teacher is one that ships, rather than trained.
        data_seed: of the phantoms; a borrowed teacher must not have met them.
        teacher_arch: a name of `list_archs()`; of one that is borrowed it is that of its run.
        student_size: pixels that students look at; 0 is all.
        student_weights: what students start from.
    """

    patients: int
    image_size: int
    teacher: TrainConfig
    student: TrainConfig
    seeds: int
    expect: str
    objective: ObjectiveConfig = field(default_factory=lambda: ObjectiveConfig.named("paper"))
    borrows: bool = False
    data_seed: int = 0
    teacher_arch: str = str(RunConfig.model_fields["teacher_arch"].default)
    student_size: int = 0
    student_weights: StudentWeights = "none"

    @property
    def key(self) -> str:
        """Part of the keys of its widgets."""
        return str(self.patients)

    def config(self, name: str, kind: str = "phantom") -> RunConfig:
        """The run that the untouched form describes, on images of that kind."""
        seed = self.data_seed if READERS[kind].drawn else 0
        lends = shipped_for(kind) if self.borrows else None
        return RunConfig(
            name=name,
            data=PhantomConfig(n_patients=self.patients, image_size=self.image_size, seed=seed),
            teacher_arch=lends.config.teacher_arch if lends else self.teacher_arch,
            teacher_from=lends.id if lends else None,
            teacher_train=self.teacher,
            student_size=self.student_size,
            student_weights=self.student_weights,
            student_train=self.student,
            objective=self.objective,
            seeds=tuple(range(self.seeds)),
        )


def shipped_for(kind: str) -> Run | None:
    """The shipped run whose teacher knows images like those of a kind: drawn ones, or films; None if there is none."""
    drawn = READERS[kind].drawn
    ships = (run for run in finished_runs() if run.shipped)
    return next((run for run in ships if READERS[run.config.data.kind].drawn == drawn), None)


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

    def config(self, name: str, kind: str = "phantom") -> RunConfig:
        """The run that the untouched form describes, whatever images are chosen.

        One that would be refused today is refused when it is asked.
        """
        return self.settings.model_copy(update={"name": name})


PRESETS: dict[PresetName, Preset] = {
    "Quick look": Preset(
        patients=360,
        image_size=224,
        teacher=TrainConfig(epochs=3, warm_epochs=0, learning_rate=1e-3),
        student=TrainConfig(epochs=8, warm_epochs=0, learning_rate=2e-3),
        seeds=1,
        expect="A teacher that ships teaches a student from ImageNet features that looks at a quarter of the pixels; "
        "its control learns beside it. Too few films for a good model.",
        objective=ObjectiveConfig.named("bkd", alpha=0.3),
        borrows=True,
        data_seed=1,
        student_size=112,
        student_weights="imagenet",
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
        teacher=TrainConfig(
            epochs=3, warm_epochs=10, batch_size=16, learning_rate=1e-3, weight_decay=0.01, precision="bf16-mixed"
        ),
        student=TrainConfig(),
        seeds=3,
        expect="What the shipped run on phantoms did, step by step.",
        objective=ObjectiveConfig.named("bkd", alpha=0.3),
        teacher_arch="densenet161",
        student_weights="imagenet",
    ),
}


def preset() -> Preset:
    """Which budget the form starts from; outside the form, because it changes the form's defaults."""
    name = st.segmented_control("Size of the run", list(PRESETS), default="Quick look", required=True, key="preset")
    return PRESETS[name or "Quick look"]
