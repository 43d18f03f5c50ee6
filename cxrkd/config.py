"""What a run is told. Frozen pydantic models, unknown keys refused, saved as `config.json` beside the weights."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationInfo, model_validator

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


def _absolute(path: Path) -> Path:
    """A run may go on in another working directory than the one it was asked in."""
    return path.expanduser().absolute()


Folder = Annotated[Path, AfterValidator(_absolute)]


class FilesConfig(Strict):
    """What every data set of real radiographs is asked: where it is, and how large the networks see it."""

    folder: Folder = Field(title="Folder", description="where the published files were unpacked")
    image_size: int = Field(224, ge=32, le=1024, title="Image size, pixels")


class ChestXray14Config(FilesConfig):
    """ChestX-ray14 with its official test list; validation patients are taken from the official train_val list."""

    kind: Literal["chestxray14"] = "chestxray14"
    seed: int = Field(0, ge=0, title="Seed of the validation split")


class CheXpertConfig(FilesConfig):
    """CheXpert v1.0 or v1.0-small; `valid.csv` is the test set, validation patients are taken from `train.csv`."""

    kind: Literal["chexpert"] = "chexpert"
    seed: int = Field(0, ge=0, title="Seed of the validation split")
    uncertain: Literal["ignore", "zeros", "ones"] = Field(
        "ignore",
        title="Uncertain labels",
        description="ignore: left to the teacher, and out of the labels' loss and the metrics; or absent, or present",
    )
    views: Literal["frontal", "all"] = Field("frontal", title="Views", description="frontal: AP and PA only")


class PadChestConfig(FilesConfig):
    """PadChest, frontal views, split by patient."""

    kind: Literal["padchest"] = "padchest"
    seed: int = Field(0, ge=0, title="Seed of the split")
    labels: Literal["paper19", "torchxrayvision"] = Field(
        "paper19", title="Labels", description="the 19 differential diagnoses, or TorchXRayVision's 28 findings"
    )


class ChestMnistConfig(FilesConfig):
    """ChestMNIST with its own split. The file names no patients, so every image counts as a patient of its own."""

    kind: Literal["chestmnist"] = "chestmnist"
    folder: Folder | None = Field(  # type: ignore[assignment]
        None, title="Folder or .npz file", description="none looks where the medmnist package keeps its files"
    )
    size: Literal[28, 64, 128, 224] = Field(224, title="Published size, pixels", description="which of the four files")
    download: bool = Field(False, title="Download when absent", description="82 MB at 28 pixels to 4 GB at 224")


class FolderConfig(FilesConfig):
    """Images and a CSV of your own: a row an image, a column a label with 1, 0 or nothing for unknown."""

    kind: Literal["folder"] = "folder"
    seed: int = Field(0, ge=0, title="Seed of the split", description="unused where the table has all three splits")
    table: Path = Field(Path("labels.csv"), title="CSV file", description="in the folder, or an absolute path")
    image_column: str = Field("image", title="Column of the image", description="path below the folder")
    patient_column: str = Field("patient", title="Column of the patient", description="the unit of the split")
    split_column: str = Field("split", title="Column of the split", description="train, val or test; may be absent")
    view_column: str = Field("view", title="Column of the view", description="PA or AP; may be absent")
    labels: tuple[str, ...] = Field((), title="Label columns", description="none takes every column not named above")


RealConfig = ChestXray14Config | CheXpertConfig | PadChestConfig | ChestMnistConfig | FolderConfig


def _kind(given: Any) -> str | None:
    """The tag of a data config; configs written before there were other kinds may leave it out."""
    return given.get("kind", "phantom") if isinstance(given, dict) else getattr(given, "kind", None)


DataConfig = Annotated[
    Annotated[PhantomConfig, Tag("phantom")]
    | Annotated[ChestXray14Config, Tag("chestxray14")]
    | Annotated[CheXpertConfig, Tag("chexpert")]
    | Annotated[PadChestConfig, Tag("padchest")]
    | Annotated[ChestMnistConfig, Tag("chestmnist")]
    | Annotated[FolderConfig, Tag("folder")],
    Discriminator(_kind),
]
DATA_CONFIGS: dict[str, type[PhantomConfig | FilesConfig]] = {
    "phantom": PhantomConfig,
    "chestxray14": ChestXray14Config,
    "chexpert": CheXpertConfig,
    "padchest": PadChestConfig,
    "chestmnist": ChestMnistConfig,
    "folder": FolderConfig,
}
DATA_KINDS: tuple[str, ...] = tuple(DATA_CONFIGS)


def setting_name(loc: tuple[int | str, ...]) -> str:
    """Where in a config, as a file would have it: without the tag that pydantic puts behind `data`.

    >>> setting_name(("data", "folder", "folder"))
    'data.folder'
    """
    return ".".join(str(part) for index, part in enumerate(loc) if not (index == 1 and loc[0] == "data" and loc[2:]))


def data_summary(data: DataConfig) -> str:
    """One line on where the images come from: `phantom, 400 patients, seed 0, 224 px`."""
    told = {"kind": data.kind, **data.model_dump(exclude={"kind", "image_size"}, exclude_defaults=True)}
    if isinstance(data, PhantomConfig):
        told = {"kind": data.kind, "patients": f"{data.n_patients} patients"}
    told |= {"seed": f"seed {data.seed}"} if hasattr(data, "seed") else {}
    return ", ".join([*map(str, told.values()), f"{data.image_size} px"])


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
    augment: bool = Field(
        False,
        title="Shift, turn, zoom and tone jitter",
        description="augmentation; of students only with the view that the teacher answers set to same",
    )
    mixup: float = Field(
        0.0,
        ge=0,
        le=10,
        title="Mixup",
        description="parameter of the Beta distribution that mixes pairs, 0 mixes none; of students only with the view "
        "that the teacher answers set to same",
    )

    @property
    def changes(self) -> tuple[str, ...]:
        """What makes the training images other than they come: of `augment`, `mixup`."""
        return tuple(name for name, on in (("augment", self.augment), ("mixup", self.mixup > 0)) if on)


class ObjectiveConfig(Strict):
    """The loss of the distilled student; `alpha` weighs the labels, `1 - alpha` the teacher.

    The student alone learns from the label term of the same objective. Teachers learn by plain cross-entropy.
    """

    name: Literal["paper", "bkd"] = Field("paper", title="Objective")
    alpha: float = Field(0.5, ge=0, le=1, title="Weight of the labels")
    temperature: float = Field(2.0, gt=0, le=100, title="Temperature")
    gamma: float = Field(2.0, ge=0, le=10, title="Focal exponent", description="paper objective only; 0 is plain BCE")
    view: Literal["cached", "same"] = Field(
        "cached",
        title="View that the teacher answers",
        description="cached: each image once, as it is; same: the very view that the student sees, at every step, as "
        "augmentation and mixup need",
    )


_RECORDED = "recorded"  # key of the validation's context


class RunConfig(Strict):
    """One distillation: data, a teacher, a student, and how they are trained."""

    name: str = Field(min_length=1, max_length=80, title="Name")
    data: DataConfig = PhantomConfig()
    teacher_arch: str = Field(
        "densenet121",
        min_length=1,
        title="Teacher",
        description="several joined by + are trained one after another and answer by the mean of their logits",
    )
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
    student_from: str | None = Field(
        None,
        title="Students go on from run",
        description="id of a finished run whose distilled student both students start from, such as one of phantoms",
    )
    download: bool = Field(
        False, title="Download weights that are missing", description="nothing is downloaded without this"
    )
    teacher_train: TrainConfig = TrainConfig(epochs=5, warm_epochs=10, learning_rate=1e-3, precision="bf16-mixed")
    student_train: TrainConfig = TrainConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    control: bool = Field(
        True,
        title="Also train the student alone",
        description="the control that shows the gain: the label term of the same objective, without the teacher",
    )
    seeds: tuple[int, ...] = Field(
        (0,), min_length=1, title="Seeds of the students", description="the weights of the first are kept"
    )

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds must differ, got {', '.join(map(str, self.seeds))}")
        return self

    @classmethod
    def recorded(cls, values: Any) -> Self:
        """The config of a run that is on disk: what it did stays readable where it would be refused today.

        Raises:
            ValidationError: a key or a value is not known at all, or a value is of another type.
        """
        return cls.model_validate_json(json.dumps(values), strict=True, context={_RECORDED: True})

    @model_validator(mode="after")
    def _teacher_answers_what_the_student_sees(self, info: ValidationInfo) -> Self:
        """A cached answer is about the image as it comes; its turned, toned or mixed view has another."""
        changes = self.student_train.changes
        if changes and self.objective.view == "cached" and not (info.context or {}).get(_RECORDED):
            makes = f"{' and '.join(changes)} make{'s' if len(changes) == 1 else ''}"
            raise ValueError(
                f"{makes} images that a cached teacher was never asked about: set {{objective.view}} to same"
            )
        return self

    @model_validator(mode="after")
    def _students_start_once(self) -> Self:
        if self.student_from is not None and self.student_weights != "none":
            raise ValueError(f"students start from a run or from {self.student_weights} weights, not from both")
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
