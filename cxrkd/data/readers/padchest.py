"""PadChest (Bustos et al., Medical Image Analysis 2020, arXiv 1901.07441): 160,861 films of 67,625 patients.

    PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv(.gz)
    0/*.png to 54/*.png (column ImageDir), or images/*.png, or all beside the table      16 bits

Left out, as in TorchXRayVision 1.5: rows without labels, films of children under about ten, and 21 files that are
missing from or damaged in the release; left out too are reports that the authors marked "exclude". Frontal means the
projections PA, AP and AP_horizontal (lying down, counted as AP). There is no official split: 70 / 10 / 20 by patient.

Where PhotometricInterpretation_DICOM says MONOCHROME1 (bright is 0), a PNG may hold the tones as they were stored or
turned round already: the radiograph gate decides for each when it is decoded (`cxrkd.data.decode`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from cxrkd.config import READERS, FilesSettings, Reader
from cxrkd.config.hints import hints
from cxrkd.data.cohort import Cohort
from cxrkd.data.image_files import ImageFiles
from cxrkd.data.reading.cells import UNKNOWN, filled, patients
from cxrkd.data.reading.files import existing_folder, find_table, image_ids, inside, require
from cxrkd.data.reading.padchest_labels import BROKEN, PAPER19, TORCHXRAYVISION
from cxrkd.data.reading.tables import read_csv
from cxrkd.data.splits import split_by_patient
from cxrkd.data.stored import Monochrome1, Stored
from cxrkd.errors import DataError
from cxrkd.progress import Progress
from cxrkd.text import shown

if TYPE_CHECKING:
    import pandas as pd

NAME = "PadChest"
TABLE = "PADCHEST_chest_x_ray_images_labels_*.csv*"
COLUMNS = ("ImageID", "ImageDir", "PatientID", "PatientBirth", "Projection", "Labels")
VIEWS = {"PA": "PA", "AP": "AP", "AP_horizontal": "AP"}
PHOTOMETRIC = "PhotometricInterpretation_DICOM"  # not in every excerpt of the table
_NAME = r"""\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*"""
_LIST = re.compile(rf"\[(?:{_NAME}(?:,{_NAME})*)?\]")
BORN_BEFORE = 2009  # TorchXRayVision: more than ten years before the paper of 2019; an unknown year is left out


class PadChestConfig(FilesSettings):
    """PadChest, frontal views, split by patient."""

    kind: Literal["padchest"] = "padchest"
    seed: int = Field(0, ge=0, title="Seed of the split", json_schema_extra=hints(flag="--data-seed"))
    labels: Literal["paper19", "torchxrayvision"] = Field(
        "paper19",
        title="Labels",
        description="the 19 differential diagnoses, or TorchXRayVision's 28 findings",
        json_schema_extra=hints(flag="--label-set"),
    )


def read(config: PadChestConfig, progress: Progress | None = None) -> Cohort:
    """The table of a published tree; rows are those of the CSV that are left in.

    Raises:
        DataError: something of the tree is missing or not as published.
    """
    folder = existing_folder(config.folder, NAME)
    path = find_table(folder, TABLE, NAME)
    table = _left_in(read_csv(path, COLUMNS, [PHOTOMETRIC]), path)
    targets = _paper19(table["findings"]) if config.labels == "paper19" else _torchxrayvision(table["Labels"])
    whose, notes = patients(table, "PatientID", path)
    sources, doubtful = _sources(table, require(_paths(folder, table, path), table.index, path), path)
    ids = image_ids(table["ImageID"].tolist())
    return Cohort(
        name=f"{NAME} (labels: {config.labels})",
        labels=PAPER19 if config.labels == "paper19" else tuple(TORCHXRAYVISION),
        targets=targets,
        patients=whose,
        ids=ids,
        split=split_by_patient(whose, config.seed, targets=targets),
        views=table["Projection"].map(VIEWS).to_numpy(str),
        pixels=ImageFiles(ids, sources, config.image_size),
        notes=(*notes, *doubtful),
    )


def _left_in(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows that are used, with a column `findings` of sets of label names."""
    import pandas as pd

    born = pd.to_numeric(table["PatientBirth"], errors="coerce")
    keep = table["Projection"].isin(VIEWS) & ~table["Labels"].str.lower().isin(UNKNOWN) & (born < BORN_BEFORE)
    table = table[keep & ~table["ImageID"].isin(BROKEN)]
    lists = [_findings(text, row, path) for row, text in table["Labels"].items()]
    findings = pd.Series(lists, index=table.index, dtype=object)
    table = table.assign(findings=findings)[["exclude" not in names for names in findings]]
    if not len(table):
        raise DataError(f"{path} has no labelled frontal film; its Projection must be one of {', '.join(VIEWS)}.")
    return table


def _findings(text: str, row: Hashable, path: Path) -> frozenset[str]:
    """`"['normal', ' Pneumonia']"` -> {"normal", "pneumonia"}."""
    try:
        if not _LIST.fullmatch(text):  # Python would join names that no comma parts
            raise ValueError("no list of names")
        return frozenset(name.strip().lower() for name in ast.literal_eval(text))
    except (ValueError, SyntaxError) as error:
        raise DataError(
            f"{path}, row {row}, column 'Labels': expected a list such as ['normal'], got {shown(text)}. "
            "Fetch the table again."
        ) from error


def _paper19(findings: pd.Series) -> np.ndarray:
    """Targets float32 (N, 19), by exact name."""
    return np.array([[label in names for label in PAPER19] for names in findings], np.float32)


def _torchxrayvision(labels: pd.Series) -> np.ndarray:
    """Targets float32 (N, 28) as TorchXRayVision has them: a finding counts where any of its words is in the text.

    So "emphysema" counts "subcutaneous emphysema" too. Kept, because results are compared with that library's.
    """
    import pandas as pd

    which, texts = pd.factorize(labels)  # a fifth of the reports have labels that no other has
    present = [[any(word in text for word in words) for words in TORCHXRAYVISION.values()] for text in texts]
    return np.array(present, np.float32)[which]


def _paths(folder: Path, table: pd.DataFrame, path: Path) -> list[Path]:
    """Where each image is, in the first of three layouts that has the first image."""
    names = inside(folder, filled(table, "ImageID", path), table.index, path)
    dirs = filled(table, "ImageDir", path, empty=".")
    below = [f"{sub}/{name}" for sub, name in zip(dirs, names, strict=True)]
    by_dir = [folder / name for name in inside(folder, below, table.index, path)]
    layouts = (by_dir, [folder / "images" / name for name in names], [folder / name for name in names])
    return next((paths for paths in layouts if paths[0].is_file()), by_dir)


def _sources(table: pd.DataFrame, paths: Sequence[Path], path: Path) -> tuple[tuple[Stored, ...], tuple[str, ...]]:
    """The images, those marked whose tones are in doubt, and a sentence on how many these are."""
    if PHOTOMETRIC not in table:
        return tuple(paths), ()
    doubt = (table[PHOTOMETRIC].str.upper() == "MONOCHROME1").tolist()
    sources = tuple(Monochrome1(file) if doubtful else file for file, doubtful in zip(paths, doubt, strict=True))
    note = (
        f"{path.name}: {sum(doubt):,} films are MONOCHROME1; those that the radiograph gate takes for inverted are "
        "turned round when they are decoded."
    )
    return sources, (note,) if any(doubt) else ()


READERS.register(
    Reader(
        name="padchest",
        title=NAME,
        sentence="160,861 films of 67,625 patients, 16 bits, with 19 diagnoses or 28 findings; frontal views.",
        source="Bustos et al., Medical Image Analysis 2020, arXiv 1901.07441",
        needs=(TABLE, "the images of its archives"),
        config=PadChestConfig,
        read=read,
    )
)
