"""Which images a run is made on: what every config of a data set says, and the registry of those who read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SerializeAsAny

from cxrkd.config.hints import hints
from cxrkd.config.strict import Strict
from cxrkd.progress import Progress
from cxrkd.registry import Entry, Registry


class DataSettings(Strict):
    """What every data set is asked. A reader's own config makes `kind` a Literal of its name."""

    kind: str
    image_size: int = Field(224, ge=32, le=1024, title="Image size, pixels", json_schema_extra=hints(step=32))


def _absolute(path: Path) -> Path:
    """A run may go on in another working directory than the one it was asked in."""
    return path.expanduser().absolute()


Folder = Annotated[Path, AfterValidator(_absolute)]


class FilesSettings(DataSettings):
    """What every data set that lies in files is asked: where it is, and how large the networks see it."""

    folder: Folder = Field(
        title="Folder", description="where the published files were unpacked", json_schema_extra=hints(section="")
    )


def _in_its_folder(config: Any) -> bool:
    """Whether the folder is there; what has none is drawn."""
    return not isinstance(config, FilesSettings) or config.folder.is_dir()


@dataclass(frozen=True, kw_only=True)
class Reader(Entry):
    """How one kind of data set is read.

    Attributes:
        config: its settings; `kind` is the reader's name.
        read: a config -> `cxrkd.data.cohort.Cohort`. Reads tables, never a pixel; may download what the config allows,
            and then calls `Progress` with bytes.
        drawn: whether the images are made here, so that they are nobody's, and always at hand.
        trains: whether a run can be made on it; False of films that are there to be looked at.
        films_of: name of the reader whose films these are in another form or split; empty where it is itself.
        is_here: whether the images are on this machine.
        size_without_reading: (images, images to train on) where a config says so itself; None where the table must be
            read.
        single_file: suffix of a file that `folder` may name instead of a folder; empty where there is none.
    """

    config: type[DataSettings]
    read: Callable[[Any, Progress | None], Any]
    drawn: bool = False
    trains: bool = True
    films_of: str = ""
    is_here: Callable[[Any], bool] = _in_its_folder
    size_without_reading: Callable[[Any], tuple[float, float] | None] = lambda config: None
    single_file: str = ""

    @property
    def origin(self) -> str:
        """Whose films these are: two data sets of one origin share patients."""
        return self.films_of or self.name


READERS: Registry[Reader] = Registry(
    "kind of data set",
    "cxrkd.data.readers",
    first=("phantom", "chestxray14", "chexpert", "padchest", "chestmnist", "folder", "films"),
)


def trainable() -> dict[str, Reader]:
    """By name, the kinds of data sets that a run can be made on."""
    return {name: reader for name, reader in READERS.items() if reader.trains}


DataConfig = Annotated[SerializeAsAny[DataSettings], READERS.config_field("kind", "phantom")]
"""The settings of a data set of any kind; configs written before there were kinds may leave it out."""


RunData = Annotated[
    SerializeAsAny[DataSettings], READERS.config_field("kind", "phantom", allowed=lambda reader: reader.trains)
]
"""The same of a data set that a run can be made on."""


def data_summary(data: DataConfig) -> str:
    """One line on where the images come from: `phantom, 400 patients, seed 0, 224 px`."""
    facts = {"kind": data.kind, **data.model_dump(exclude={"kind", "image_size"}, exclude_defaults=True)}
    if hasattr(data, "n_patients"):
        facts = {"kind": data.kind, "patients": f"{data.n_patients} patients"}
    facts |= {"seed": f"seed {data.seed}"} if hasattr(data, "seed") else {}
    return ", ".join([*map(str, facts.values()), f"{data.image_size} px"])
