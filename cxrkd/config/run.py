"""What a run is told, saved as `config.json` beside the weights."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from cxrkd.config.data import READERS, RunData
from cxrkd.config.hints import hints
from cxrkd.config.objective import AnyObjective, ObjectiveConfig
from cxrkd.config.seeds import require_seeds
from cxrkd.config.strict import Strict
from cxrkd.config.train import TrainConfig
from cxrkd.registry import RECORDED

Weights = Literal["none", "imagenet", "chest-all", "chest-nih", "chest-chex", "chest-pc"]
CHEST_WEIGHTS: tuple[Weights, ...] = ("chest-all", "chest-nih", "chest-chex", "chest-pc")
StudentWeights = Literal["none", "imagenet"]


class RunConfig(Strict):
    """One distillation: data, a teacher, a student, and how they are trained."""

    name: str = Field(min_length=1, max_length=80, title="Name")
    data: RunData = Field(
        default_factory=lambda: READERS["phantom"].config.model_validate({}),
        title="Images",
        json_schema_extra=hints(flag="--kind", section="Data and seeds"),
    )
    teacher_arch: str = Field(
        "densenet121",
        min_length=1,
        title="Teacher",
        description="several joined by + are trained one after another and answer by the mean of their logits",
        json_schema_extra=hints(flag="--teacher", names="network", role="teacher", several=True),
    )
    teacher_trust: float = Field(
        0.0,
        ge=0,
        le=1000,
        title="Trust in the better of joined teachers",
        description="each counts for a label by exp(trust x its AUROC on validation); 0 counts all alike, at 20 one "
        "that is better by .03 counts 1.8 times",
        json_schema_extra=hints(step=5, section="Pretrained weights"),
    )
    teacher_from: str | None = Field(
        None,
        title="Reuse the teacher of run",
        description="id of a finished run, whose network then is the teacher; none trains a new one",
        json_schema_extra=hints(names="run", none="train a new one"),
    )
    teacher_weights: Weights = Field(
        "none",
        title="Teacher starts from",
        description="none is a random start; `python -m cxrkd models` lists what there is for each network",
        json_schema_extra=hints(section="Pretrained weights"),
    )
    teacher_trained: bool = Field(
        True,
        title="Train the teacher on this data",
        description="off uses a chest X-ray teacher as it is",
        json_schema_extra=hints(off="--teacher-as-is", section="Pretrained weights"),
    )
    student_arch: str = Field(
        "eeea_net_c2", title="Student", json_schema_extra=hints(flag="--student", names="network", role="student")
    )
    student_size: int = Field(
        0,
        ge=0,
        le=1024,
        title="Size that students look at, pixels",
        description="such as half of the image size: students average their images down to it, the teacher sees all; "
        "0 is the image size",
        json_schema_extra=hints(step=16, section="Data and seeds"),
    )
    student_weights: StudentWeights = Field(
        "none",
        title="Students start from",
        description="as for the teacher",
        json_schema_extra=hints(section="Pretrained weights"),
    )
    student_from: str | None = Field(
        None,
        title="Students go on from run",
        description="id of a finished run whose distilled student both students start from, such as one of phantoms",
        json_schema_extra=hints(names="run", none="no run", section="Pretrained weights"),
    )
    download: bool = Field(
        False,
        title="Download weights that are missing",
        description="nothing is downloaded without this",
        json_schema_extra=hints(section="Pretrained weights"),
    )
    teacher_train: TrainConfig = Field(
        TrainConfig(epochs=5, warm_epochs=10, learning_rate=1e-3, precision="bf16-mixed"),
        title="Training of the teacher",
    )
    student_train: TrainConfig = Field(TrainConfig(), title="Training of the students")
    objective: AnyObjective = Field(default_factory=lambda: ObjectiveConfig.named("paper"), title="Objective")
    control: bool = Field(
        True,
        title="Also train the student alone",
        description="the control that shows the gain: the label term of the same objective, without the teacher",
    )
    seeds: tuple[int, ...] = Field(
        (0,),
        min_length=1,
        title="Seeds of the students",
        description="whole numbers; three or more are needed to claim a gain; the weights of the first are kept",
        json_schema_extra=hints(section="Data and seeds"),
    )

    @model_validator(mode="after")
    def _seeds_can_be_drawn_from(self) -> Self:
        require_seeds(self.seeds)
        return self

    @model_validator(mode="after")
    def _teacher_answers_what_the_student_sees(self, info: ValidationInfo) -> Self:
        """A cached answer is about the image as it comes; its turned, toned or mixed view has another."""
        changes = self.student_train.changes
        if changes and self.objective.view == "cached" and not (info.context or {}).get(RECORDED):
            makes = f"{' and '.join(changes)} make{'s' if len(changes) == 1 else ''}"
            raise ValueError(
                f"{makes} images that a cached teacher was never asked about: set {{objective.view}} to same"
            )
        return self

    @model_validator(mode="after")
    def _teacher_shows_what_the_objective_needs(self) -> Self:
        if self.objective.unanswered is not None:
            raise ValueError(f"{self.objective.unanswered}: set {{objective.view}} to same")
        return self

    @model_validator(mode="after")
    def _answers_can_be_shuffled(self) -> Self:
        if self.objective.shuffled and self.student_train.batch_size == 1:
            raise ValueError("an image alone has no other to be taught by: set {student_train.batch_size} to 2 or more")
        return self

    @model_validator(mode="after")
    def _a_teacher_that_learns_is_not_shuffled(self) -> Self:
        if self.objective.shuffled and self.objective.trains_teacher:
            raise ValueError(
                "a teacher that learns along sees the film whose labels it learns: do without {objective.shuffled}"
            )
        return self

    @model_validator(mode="after")
    def _students_start_once(self) -> Self:
        if self.student_from is not None and self.student_weights != "none":
            raise ValueError(f"students start from a run or from {self.student_weights} weights, not from both")
        return self

    @property
    def student_works_at(self) -> int:
        """Side in pixels of what students look at."""
        return self.student_size or self.data.image_size

    @model_validator(mode="after")
    def _students_look_at_no_more_than_there_is(self) -> Self:
        if self.student_size > self.data.image_size:
            raise ValueError(
                f"students look at no more than the image size, {self.data.image_size}, got {self.student_size}"
                ": set {student_size} to less, such as half of it, or to 0 for all"
            )
        return self

    @model_validator(mode="after")
    def _student_is_one_network(self) -> Self:
        if "+" in self.student_arch:
            raise ValueError(f"a student is one network; only teachers are joined, got {self.student_arch}")
        return self

    @model_validator(mode="after")
    def _untrained_teacher_knows_something(self) -> Self:
        if not self.teacher_trained and self.teacher_weights not in CHEST_WEIGHTS:
            raise ValueError(
                f"a teacher that is not trained needs weights that know findings ({', '.join(CHEST_WEIGHTS)}), "
                f"got {self.teacher_weights}"
            )
        return self
