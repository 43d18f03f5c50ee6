"""What a run is told. Frozen pydantic models, unknown keys refused, saved as `config.json` beside the weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Member = Literal["teacher", "alone", "distilled"]
MEMBERS: tuple[Member, ...] = ("teacher", "alone", "distilled")
Weights = Literal["none", "imagenet", "chest-all", "chest-nih", "chest-chex", "chest-pc"]
CHEST_WEIGHTS: tuple[Weights, ...] = ("chest-all", "chest-nih", "chest-chex", "chest-pc")
StudentWeights = Literal["none", "imagenet"]
MEMBER_NAMES: dict[str, str] = {
    "teacher": "Teacher",
    "alone": "Student alone",
    "distilled": "Student distilled",
}


def home() -> Path:
    """The folder for runs and caches made on this machine: `$CXRKD_HOME`, else `~/.cxrkd`."""
    return Path(os.environ.get("CXRKD_HOME") or Path.home() / ".cxrkd")


class Strict(BaseModel):
    """Immutable, and a typo in a key is an error instead of a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PhantomConfig(Strict):
    """Procedural radiographs, split by patient into train / val / test."""

    kind: Literal["phantom"] = "phantom"
    n_patients: int = Field(400, ge=20, le=200_000, title="Patients", description="each has one to four images")
    seed: int = Field(0, ge=0, title="Seed of the data")
    image_size: int = Field(224, ge=32, le=1024, title="Image size, pixels")


class TrainConfig(Strict):
    """How one network is trained.

    `warm_epochs` climb from `warm_size` pixels towards the full size, `epochs` follow at the full size (progressive
    resizing: an epoch at 64 px costs a twelfth of one at 224, and what is learned there carries over). The defaults are
    what trained the shipped student (docs/experiments.md).
    """

    epochs: int = Field(4, ge=1, le=1000, title="Epochs at full size")
    warm_epochs: int = Field(8, ge=0, le=1000, title="Epochs that grow to full size")
    warm_size: int = Field(64, ge=32, le=1024, title="Size they start at, pixels")
    batch_size: int = Field(32, ge=1, le=4096, title="Batch size")
    learning_rate: float = Field(1.5e-3, gt=0, le=1, title="Learning rate", description="peak of a one-cycle schedule")
    weight_decay: float = Field(0.01, ge=0, le=1, title="Weight decay")
    precision: Literal["32-true", "bf16-mixed"] = Field("32-true", title="Precision")
    augment: bool = Field(False, title="Shift and contrast jitter")


class ObjectiveConfig(Strict):
    """The loss of the distilled student; `alpha` weighs the labels, `1 - alpha` the teacher."""

    name: Literal["paper", "bkd"] = Field("paper", title="Objective")
    alpha: float = Field(0.5, ge=0, le=1, title="Weight of the labels")
    temperature: float = Field(2.0, gt=0, le=100, title="Temperature")
    gamma: float = Field(2.0, ge=0, le=10, title="Focal exponent", description="paper objective only; 0 is plain BCE")


class RunConfig(Strict):
    """One distillation: data, a teacher, a student, and how they are trained."""

    name: str = Field(min_length=1, max_length=80, title="Name")
    data: PhantomConfig = PhantomConfig()
    teacher_arch: str = Field("densenet121", title="Teacher")
    teacher_from: str | None = Field(
        None, title="Reuse the teacher of run", description="id of a finished run; none trains a new teacher"
    )
    teacher_weights: Weights = Field(
        "none",
        title="Teacher starts from",
        description="none is a random start; `python -m cxrkd models` lists what there is for each network",
    )
    teacher_trained: bool = Field(
        True, title="Train the teacher on this data", description="off uses a chest X-ray teacher as it is"
    )
    student_arch: str = Field("eeea_net_c2", title="Student")
    student_weights: StudentWeights = Field("none", title="Students start from", description="as for the teacher")
    download: bool = Field(
        False, title="Download weights that are missing", description="nothing is downloaded without this"
    )
    teacher_train: TrainConfig = TrainConfig(epochs=5, warm_epochs=10, learning_rate=1e-3, precision="bf16-mixed")
    student_train: TrainConfig = TrainConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    control: bool = Field(True, title="Also train the student alone", description="the control that shows the gain")
    seeds: tuple[int, ...] = Field((0,), min_length=1, title="Seeds of the students; weights of the first are kept")

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds must differ, got {self.seeds}")
        return self

    @model_validator(mode="after")
    def _untrained_teacher_knows_something(self) -> Self:
        if not self.teacher_trained and self.teacher_weights not in CHEST_WEIGHTS:
            raise ValueError(
                f"a teacher that is not trained needs weights that know findings ({', '.join(CHEST_WEIGHTS)}), "
                f"got {self.teacher_weights}"
            )
        return self
