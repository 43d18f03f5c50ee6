"""PadChest (Bustos et al., Medical Image Analysis 2020, arXiv 1901.07441): 160,861 films of 67,625 patients.

    PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv(.gz)
    0/*.png to 54/*.png (column ImageDir), or images/*.png, or all beside the table      16 bits

Left out, as in TorchXRayVision 1.5: rows without labels, films of children under about ten, and 21 files that are
missing from or damaged in the release; left out too are reports that the authors marked "exclude". Frontal means the
projections PA, AP and AP_horizontal (lying down, counted as AP). There is no official split: 70 / 10 / 20 by patient.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd

from cxrkd.config import PadChestConfig
from cxrkd.data.readers.files import existing_folder, find_table, read_csv, require
from cxrkd.data.readers.padchest_labels import BROKEN, PAPER19, TORCHXRAYVISION
from cxrkd.data.splits import split_by_patient
from cxrkd.data.table import ImageTable
from cxrkd.errors import DataError

NAME = "PadChest"
TABLE = "PADCHEST_chest_x_ray_images_labels_*.csv*"
COLUMNS = ("ImageID", "ImageDir", "PatientID", "PatientBirth", "Projection", "Labels")
VIEWS = {"PA": "PA", "AP": "AP", "AP_horizontal": "AP"}
NO_LABELS = ("", "nan")  # 103 rows of the published table
BORN_BEFORE = 2009  # TorchXRayVision: more than ten years before the paper of 2019; an unknown year is left out


def read(config: PadChestConfig) -> ImageTable:
    """The table of a published tree; rows are those of the CSV that are left in.

    Raises:
        DataError: something of the tree is missing or not as published.
    """
    folder = existing_folder(config.folder, NAME)
    path = find_table(folder, TABLE, NAME)
    table = _left_in(read_csv(path, COLUMNS), path)
    targets = _paper19(table["findings"]) if config.labels == "paper19" else _torchxrayvision(table["Labels"])
    patients = table["PatientID"].to_numpy(str)
    return ImageTable(
        name=f"{NAME} (labels: {config.labels})",
        labels=PAPER19 if config.labels == "paper19" else tuple(TORCHXRAYVISION),
        sources=require(_paths(folder, table), path),
        targets=targets,
        patients=patients,
        ids=np.array([Path(name).stem for name in table["ImageID"]]),
        split=split_by_patient(patients, config.seed, targets=targets),
        views=table["Projection"].map(VIEWS).to_numpy(str),
    )


def _left_in(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows that are used, with a column `findings` of sets of label names."""
    born = pd.to_numeric(table["PatientBirth"], errors="coerce")
    keep = table["Projection"].isin(VIEWS) & ~table["Labels"].isin(NO_LABELS) & (born < BORN_BEFORE)
    table = table[keep & ~table["ImageID"].isin(BROKEN)]
    findings = pd.Series([_findings(text, path) for text in table["Labels"]], index=table.index, dtype=object)
    table = table.assign(findings=findings)[["exclude" not in found for found in findings]]
    if not len(table):
        raise DataError(f"{path} has no labelled frontal film; its Projection must be one of {', '.join(VIEWS)}.")
    return table.reset_index(drop=True)


def _findings(text: str, path: Path) -> frozenset[str]:
    """`"['normal', ' Pneumonia']"` -> {"normal", "pneumonia"}."""
    try:
        return frozenset(str(name).strip().lower() for name in ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError) as error:
        raise DataError(
            f"{path}, column 'Labels': expected a list such as ['normal'], got {text[:60]!r}. Fetch the table again."
        ) from error


def _paper19(findings: pd.Series) -> np.ndarray:
    """Targets float32 (N, 19), by exact name."""
    return np.array([[label in found for label in PAPER19] for found in findings], np.float32)


def _torchxrayvision(labels: pd.Series) -> np.ndarray:
    """Targets float32 (N, 28) as TorchXRayVision has them: a finding counts where any of its words is in the text.

    So "emphysema" counts "subcutaneous emphysema" too. Kept, because results are compared with that library's.
    """
    which, texts = pd.factorize(labels)  # a fifth of the reports have labels that no other has
    found = [[any(word in text for word in words) for words in TORCHXRAYVISION.values()] for text in texts]
    return np.array(found, np.float32)[which]


def _paths(folder: Path, table: pd.DataFrame) -> list[Path]:
    """Where each image is, in the first of three layouts that has the first image."""
    names, dirs = table["ImageID"], table["ImageDir"]
    by_dir = [folder / sub / name for sub, name in zip(dirs, names, strict=True)]
    layouts = (by_dir, [folder / "images" / name for name in names], [folder / name for name in names])
    return next((paths for paths in layouts if paths[0].is_file()), by_dir)
