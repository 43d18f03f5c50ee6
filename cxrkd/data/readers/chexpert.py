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

import numpy as np
import pandas as pd

from cxrkd.config import CheXpertConfig
from cxrkd.data.readers.cells import filled, numbers
from cxrkd.data.readers.files import existing_folder, inside, require
from cxrkd.data.readers.tables import read_csv
from cxrkd.data.splits import carve_val
from cxrkd.data.table import ImageTable
from cxrkd.errors import DataError
from cxrkd.names import without_image_suffix
from cxrkd.text import shown

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
UNCERTAIN = {"ignore": np.nan, "zeros": 0.0, "ones": 1.0}


def read(config: CheXpertConfig) -> ImageTable:
    """The table of a published tree; rows are those of train.csv, then of valid.csv.

    Raises:
        DataError: something of the tree is missing or not as published.
    """
    folder = existing_folder(config.folder, NAME)
    train, test = (_read(folder, name, config) for name in ("train.csv", "valid.csv"))
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
    return ImageTable(
        name=f"{NAME} ({config.views} views, uncertain: {config.uncertain})",
        labels=LABELS,
        sources=tuple(sources),
        targets=targets,
        patients=patients,
        ids=np.array([_id(below) for below in table["below"]]),
        split=split,
        views=table["view"].to_numpy(str),
    )


def _read(folder: Path, name: str, config: CheXpertConfig) -> pd.DataFrame:
    """One table: below (path in the folder), patient, view, and the labels as numbers."""
    path = folder / name
    table = read_csv(path, COLUMNS)
    values = numbers(table, LABELS, (-1, 0, 1), path)
    values[np.isnan(values)] = 0
    values[values == -1] = UNCERTAIN[config.uncertain]
    found = pd.DataFrame(values, table.index, list(LABELS))
    paths = pd.Series(inside(folder, filled(table, "Path", path), table.index, path), table.index, object)
    found[["below", "patient"]] = _below(paths, path)
    # 17 films called frontal have a lateral projection (LL, RL) in the next column: they are lateral.
    frontal = (table["Frontal/Lateral"] == "Frontal") & table["AP/PA"].isin(("AP", "PA"))
    found["view"] = table["AP/PA"].where(frontal, "L")
    return found[frontal] if config.views == "frontal" else found


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
