"""CheXpert v1.0 and v1.0-small (Irvin et al., AAAI 2019, arXiv 1901.07031): 224,316 films of 65,240 patients.

    train.csv, valid.csv                                      paths, view, 14 observations
    train/patient00001/study1/view1_frontal.jpg               paths in the tables begin with the release's name
    valid/patient64541/study1/view1_frontal.jpg               234 films read by three radiologists

The published test set is not public with the rest, so `valid.csv` is the test set here, and a tenth of the patients of
`train.csv` validate. An observation that the report does not mention (an empty cell) counts as absent, as in Irvin et
al. and nearly all work since: "No Finding" is never marked absent, so leaving empty cells unknown would leave
nothing to learn from. Uncertain observations (-1) follow the config: unknown, absent (U-Zeros) or present (U-Ones).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from cxrkd.config import READERS, FilesSettings, Reader
from cxrkd.config.hints import hints
from cxrkd.data.cohort import Cohort
from cxrkd.data.image_files import ImageFiles
from cxrkd.data.reading.cells import filled, numbers
from cxrkd.data.reading.files import existing_folder, inside, require
from cxrkd.data.reading.tables import read_csv
from cxrkd.data.splits import carve_val
from cxrkd.errors import DataError
from cxrkd.names import without_image_suffix
from cxrkd.progress import Progress
from cxrkd.text import shown

if TYPE_CHECKING:
    import pandas as pd

NAME = "CheXpert"
LABELS: tuple[str, ...] = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
COLUMNS = ("Path", "Frontal/Lateral", "AP/PA", *LABELS)
BELOW_RELEASE = r"^(?:[^/]+/)*((?:train|valid)/(patient\d+)/.+)$"
VAL_SHARE = 0.1
TABLES = ("train.csv", "valid.csv")
UNCERTAIN = {"ignore": np.nan, "zeros": 0.0, "ones": 1.0}


class CheXpertConfig(FilesSettings):
    """CheXpert v1.0 or v1.0-small; `valid.csv` is the test set, validation patients are taken from `train.csv`."""

    kind: Literal["chexpert"] = "chexpert"
    seed: int = Field(0, ge=0, title="Seed of the validation split", json_schema_extra=hints(flag="--data-seed"))
    uncertain: Literal["ignore", "zeros", "ones"] = Field(
        "ignore",
        title="Uncertain labels",
        description="ignore: left to the teacher, and out of the labels' loss and the metrics; or absent, or present",
    )
    views: Literal["frontal", "all"] = Field("frontal", title="Views", description="frontal: AP and PA only")


def read(config: CheXpertConfig, progress: Progress | None = None) -> Cohort:
    """The table of a published tree; rows are those of train.csv, then of valid.csv.

    Raises:
        DataError: something of the tree is missing or not as published.
    """
    import pandas as pd

    folder = existing_folder(config.folder, NAME)
    train, test = (_read(folder, name, config) for name in TABLES)
    table = pd.concat([train, test])
    below = [folder / path for path in table["below"]]
    sources = [
        *require(below[: len(train)], train.index, folder / "train.csv"),
        *require(below[len(train) :], test.index, folder / "valid.csv"),
    ]
    targets = table[list(LABELS)].to_numpy(np.float32)
    patients = table["patient"].to_numpy(str)
    split = np.full(len(table), "test", dtype="<U5")
    split[: len(train)] = carve_val(patients[: len(train)], config.seed, VAL_SHARE, targets[: len(train)])
    ids = np.array([_id(below) for below in table["below"]])
    return Cohort(
        name=f"{NAME} ({config.views} views, uncertain: {config.uncertain})",
        labels=LABELS,
        targets=targets,
        patients=patients,
        ids=ids,
        split=split,
        views=table["view"].to_numpy(str),
        pixels=ImageFiles(ids, tuple(sources), config.image_size),
    )


def _read(folder: Path, name: str, config: CheXpertConfig) -> pd.DataFrame:
    """One table: below (path in the folder), patient, view, and the labels as numbers."""
    import pandas as pd

    path = folder / name
    table = read_csv(path, COLUMNS)
    values = numbers(table, LABELS, (-1, 0, 1), path)
    values[np.isnan(values)] = 0
    values[values == -1] = UNCERTAIN[config.uncertain]
    rows = pd.DataFrame(values, table.index, list(LABELS))
    paths = pd.Series(inside(folder, filled(table, "Path", path), table.index, path), table.index, object)
    rows[["below", "patient"]] = _below(paths, path)
    # 17 films called frontal have a lateral projection (LL, RL) in the next column: they are lateral.
    frontal = (table["Frontal/Lateral"] == "Frontal") & table["AP/PA"].isin(("AP", "PA"))
    rows["view"] = table["AP/PA"].where(frontal, "L")
    return rows[frontal] if config.views == "frontal" else rows


def _below(paths: pd.Series, table: Path) -> np.ndarray:
    """Path below the folder and patient (N, 2), whatever the release is called."""
    parts = paths.str.extract(BELOW_RELEASE)
    if parts[0].isna().any():
        row = int(np.flatnonzero(parts[0].isna())[0])
        raise DataError(
            f"{table}, row {paths.index[row]}: expected a path such as "
            f"CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg, got {shown(paths.iat[row])}. "
            "Fetch the table again."
        )
    return parts.to_numpy(str)


def _id(below: str) -> str:
    """`train/patient00001/study1/view1_frontal.jpg` -> `patient00001-study1-view1_frontal`."""
    return "-".join(Path(without_image_suffix(below)).parts[1:])


READERS.register(
    Reader(
        name="chexpert",
        title=NAME,
        sentence="224,316 films of 65,240 patients with 14 observations mined from reports, some of them uncertain.",
        source="Irvin et al., AAAI 2019, arXiv 1901.07031; Stanford",
        needs=(*TABLES, "train", "valid"),
        config=CheXpertConfig,
        read=read,
    )
)
