"""Which images a run is made on: a config for each kind of data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from cxrkd.config.hints import hints
from cxrkd.config.strict import Strict


class PhantomConfig(Strict):
    """Procedural radiographs, split by patient into train / val / test."""

    kind: Literal["phantom"] = "phantom"
    n_patients: int = Field(
        400,
        ge=20,
        le=200_000,
        title="Patients",
        description="each has one to four images",
        json_schema_extra=hints(flag="--patients", step=20),
    )
    seed: int = Field(0, ge=0, title="Seed of the data", json_schema_extra=hints(flag="--data-seed"))
    image_size: int = Field(224, ge=32, le=1024, title="Image size, pixels", json_schema_extra=hints(step=32))


def _absolute(path: Path) -> Path:
    """A run may go on in another working directory than the one it was asked in."""
    return path.expanduser().absolute()


Folder = Annotated[Path, AfterValidator(_absolute)]


class FilesConfig(Strict):
    """What every data set of real radiographs is asked: where it is, and how large the networks see it."""

    folder: Folder = Field(
        title="Folder", description="where the published files were unpacked", json_schema_extra=hints(section="")
    )
    image_size: int = Field(224, ge=32, le=1024, title="Image size, pixels", json_schema_extra=hints(step=32))


class ChestXray14Config(FilesConfig):
    """ChestX-ray14 with its official test list; validation patients are taken from the official train_val list."""

    kind: Literal["chestxray14"] = "chestxray14"
    seed: int = Field(0, ge=0, title="Seed of the validation split", json_schema_extra=hints(flag="--data-seed"))


class CheXpertConfig(FilesConfig):
    """CheXpert v1.0 or v1.0-small; `valid.csv` is the test set, validation patients are taken from `train.csv`."""

    kind: Literal["chexpert"] = "chexpert"
    seed: int = Field(0, ge=0, title="Seed of the validation split", json_schema_extra=hints(flag="--data-seed"))
    uncertain: Literal["ignore", "zeros", "ones"] = Field(
        "ignore",
        title="Uncertain labels",
        description="ignore: left to the teacher, and out of the labels' loss and the metrics; or absent, or present",
    )
    views: Literal["frontal", "all"] = Field("frontal", title="Views", description="frontal: AP and PA only")


class PadChestConfig(FilesConfig):
    """PadChest, frontal views, split by patient."""

    kind: Literal["padchest"] = "padchest"
    seed: int = Field(0, ge=0, title="Seed of the split", json_schema_extra=hints(flag="--data-seed"))
    labels: Literal["paper19", "torchxrayvision"] = Field(
        "paper19",
        title="Labels",
        description="the 19 differential diagnoses, or TorchXRayVision's 28 findings",
        json_schema_extra=hints(flag="--label-set"),
    )


class ChestMnistConfig(FilesConfig):
    """ChestMNIST with its own split. The file names no patients, so every image counts as a patient of its own."""

    kind: Literal["chestmnist"] = "chestmnist"
    folder: Folder | None = Field(  # type: ignore[assignment]
        None,
        title="Folder or .npz file",
        description="none looks where the medmnist package keeps its files",
        json_schema_extra=hints(section=""),
    )
    size: Literal[28, 64, 128, 224] = Field(
        224,
        title="Published size, pixels",
        description="which of the four files",
        json_schema_extra=hints(flag="--published-size"),
    )
    download: bool = Field(
        False,
        title="Download when absent",
        description="82 MB at 28 pixels to 4 GB at 224",
        json_schema_extra=hints(flag="--download-data"),
    )


class FolderConfig(FilesConfig):
    """Images and a CSV of your own: a row an image, a column a label with 1, 0 or nothing for unknown."""

    kind: Literal["folder"] = "folder"
    seed: int = Field(
        0,
        ge=0,
        title="Seed of the split",
        description="unused where the table has all three splits",
        json_schema_extra=hints(flag="--data-seed"),
    )
    table: Path = Field(Path("labels.csv"), title="CSV file", description="in the folder, or an absolute path")
    image_column: str = Field("image", title="Column of the image", description="path below the folder")
    patient_column: str = Field("patient", title="Column of the patient", description="the unit of the split")
    split_column: str = Field("split", title="Column of the split", description="train, val or test; may be absent")
    view_column: str = Field("view", title="Column of the view", description="PA or AP; may be absent")
    labels: tuple[str, ...] = Field(
        (),
        title="Label columns",
        description="none takes every column not named above",
        json_schema_extra=hints(flag="--label-columns"),
    )


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
