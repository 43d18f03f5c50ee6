"""ChestX-ray14 (Wang et al., CVPR 2017, arXiv 1705.02315): 112,120 frontal films of 30,805 patients.

    images/*.png or images_001/images/*.png to images_012/images/*.png      1024 x 1024, 8 bits
    Data_Entry_2017*.csv      findings joined by "|", patient, view
    train_val_list.txt        86,524 names; test_list.txt: 25,596, no patient in both
    BBox_List_2017.csv        984 boxes on 880 test images, in pixels of the 1024 x 1024 film; may be absent

Validation patients are an eighth of those in train_val_list, so that the three splits come near 70 / 10 / 20. Labels
were mined from reports: what a report does not mention counts as absent, as everywhere in the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from cxrkd.config import READERS, FilesSettings, Reader
from cxrkd.config.hints import hints
from cxrkd.data.cohort import Cohort
from cxrkd.data.image_files import ImageFiles
from cxrkd.data.lesions import Boxes
from cxrkd.data.reading.cells import filled, patients
from cxrkd.data.reading.files import existing_folder, find_table, image_ids, inside, require
from cxrkd.data.reading.tables import read_csv
from cxrkd.data.reading.text import read_names
from cxrkd.data.splits import carve_val
from cxrkd.errors import DataError
from cxrkd.labels import CHESTXRAY14
from cxrkd.names import without_image_suffix
from cxrkd.progress import Progress
from cxrkd.text import shown

if TYPE_CHECKING:
    import pandas as pd

NAME = "ChestX-ray14"
TABLE = "Data_Entry_2017*.csv"
COLUMNS = ("Image Index", "Finding Labels", "Patient ID", "View Position")
NO_FINDING = "No Finding"
VAL_SHARE = 0.125
BOX_PIXELS = 1024
BOX_NAMES = {"Infiltrate": "Infiltration"}


class ChestXray14Config(FilesSettings):
    """ChestX-ray14 with its official test list; validation patients are taken from the official train_val list."""

    kind: Literal["chestxray14"] = "chestxray14"
    seed: int = Field(0, ge=0, title="Seed of the validation split", json_schema_extra=hints(flag="--data-seed"))


def read(config: ChestXray14Config, progress: Progress | None = None) -> Cohort:
    """The table of a published tree; rows are those of Data_Entry_2017*.csv.

    Raises:
        DataError: something of the tree is missing or not as published.
    """
    folder = existing_folder(config.folder, NAME)
    path = find_table(folder, TABLE, NAME)
    entries = read_csv(path, COLUMNS)
    names = inside(folder, filled(entries, "Image Index", path), entries.index, path)
    targets = _targets(entries["Finding Labels"], path)
    whose, notes = patients(entries, "Patient ID", path)
    test = _in_test_list(names, folder)
    split = np.full(len(names), "test", dtype="<U5")
    split[~test] = carve_val(whose[~test], config.seed, VAL_SHARE, targets[~test])
    ids = image_ids(names)
    return Cohort(
        name=NAME,
        labels=CHESTXRAY14,
        targets=targets,
        patients=whose,
        ids=ids,
        split=split,
        views=filled(entries, "View Position", path, empty="unknown"),
        pixels=ImageFiles(ids, require(_paths(folder, names), entries.index, path), config.image_size),
        lesions=boxes(folder / "BBox_List_2017.csv", names),
        notes=notes,
        truth="Labels mined from reports",
    )


def _targets(findings: pd.Series, path: Path) -> np.ndarray:
    """Targets float32 (N, 14) from "Effusion|Mass" or "No Finding"."""
    column = {label: k for k, label in enumerate(CHESTXRAY14)}
    targets = np.zeros((len(findings), len(column)), np.float32)
    for row, text in enumerate(findings):
        for label in map(str.strip, text.split("|")):
            if label in column:
                targets[row, column[label]] = 1
            elif label != NO_FINDING:
                raise DataError(
                    f"{path}, row {findings.index[row]}: {shown(label)} is none of the 14 findings and not "
                    f"{NO_FINDING!r}. Fetch the table again."
                )
    return targets


def _in_test_list(names: Sequence[str], folder: Path) -> np.ndarray:
    """Which images bool (N,) the official test list names; each must be in exactly one of the two lists."""
    train_val, test = read_names(folder / "train_val_list.txt"), read_names(folder / "test_list.txt")
    both = train_val & test
    if both:
        raise DataError(
            f"{min(both)} is in train_val_list.txt and in test_list.txt of {folder}. Fetch both lists again."
        )
    neither = [name for name in names if name not in train_val and name not in test]
    if neither:
        raise DataError(
            f"{len(neither):,} images are in neither train_val_list.txt nor test_list.txt of {folder} (for example "
            f"{', '.join(neither[:3])}). Fetch both lists again."
        )
    return np.array([name in test for name in names])


def _paths(folder: Path, names: Sequence[str]) -> list[Path]:
    """Where each image is, or would be."""
    folders = _image_folders(folder)
    files = chain.from_iterable(folder.glob("*.[pP][nN][gG]") for folder in folders)
    where = {without_image_suffix(file.name): file for file in files}
    return [where.get(without_image_suffix(name), folders[0] / name) for name in names]


def _image_folders(folder: Path) -> list[Path]:
    return [folder / "images", *sorted(folder.glob("images_[0-9]*/images"))]


def boxes(path: Path, names: Sequence[str]) -> Boxes | None:
    """Boxes of the images in `names`, from a table in the form of BBox_List_2017.csv; None where there is no table.

    The header reads `Bbox [x,y,w,h],,,`, which splits at its own commas, so columns are taken by position.

    Raises:
        DataError: a finding is unknown, or a box is not four numbers.
    """
    if not path.exists():
        return None
    import pandas as pd

    table = read_csv(path, ("Image Index", "Finding Label"))
    row_of = {name: row for row, name in enumerate(names)}
    table = table[table["Image Index"].isin(row_of)]
    labels = table["Finding Label"].replace(BOX_NAMES)
    unknown = sorted(set(labels) - set(CHESTXRAY14))
    xywh = table.iloc[:, 2:6].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    if unknown or xywh.shape[1] != 4 or not np.isfinite(xywh).all() or (xywh < 0).any() or (xywh[:, 2:] == 0).any():
        what = f"the finding {shown(unknown[0])}" if unknown else "a box that is not four numbers"
        raise DataError(f"{path} holds {what}; expected x, y, w, h of one of the 14 findings. Fetch it again.")
    rows = np.array([row_of[name] for name in table["Image Index"]], int)
    columns = np.array([CHESTXRAY14.index(label) for label in labels], int)
    return Boxes(rows, columns, xywh / BOX_PIXELS, len(CHESTXRAY14))


READERS.register(
    Reader(
        name="chestxray14",
        title=NAME,
        sentence="112,120 frontal films of 30,805 patients with 14 findings mined from reports; 984 lesion boxes.",
        source="Wang et al., CVPR 2017, arXiv 1705.02315; NIH Clinical Center",
        needs=("images", TABLE, "train_val_list.txt", "test_list.txt"),
        config=ChestXray14Config,
        read=read,
    )
)
