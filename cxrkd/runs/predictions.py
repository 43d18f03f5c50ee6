"""What each member said about each held-out image, kept so that every figure can be computed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cxrkd.atomic import replacing
from cxrkd.config import Member
from cxrkd.data.cohort import Cohort, Split
from cxrkd.errors import RunError
from cxrkd.runs.files import cannot_write

FOLDER = "predictions"
CASES = "cases.csv"
Answerer = Member | Literal["trivial"]
TRIVIAL: Answerer = "trivial"
"""Whose predictions are kept beside the members': a model that knows no anatomy (`cxrkd.evaluate.trivial`)."""
KEPT_SPLITS: tuple[Split, ...] = ("val", "test")
_COLUMNS = ("id", "patient", "split", "view")


@dataclass(frozen=True)
class Predictions:
    """Logits of one member on one split.

    Attributes:
        logits: float32 (R, N, K), one layer a seed; the teacher has one.
        targets: float32 (N, K): 1, 0, NaN unknown.
        patients: str (N,).
        ids: str (N,).
        views: str (N,).
        seeds: the R seeds in the order of the config; the weights that are kept belong to the first.
    """

    logits: np.ndarray
    targets: np.ndarray
    patients: np.ndarray
    ids: np.ndarray
    views: np.ndarray
    seeds: tuple[int, ...]

    def of(self, labels: Sequence[int]) -> Predictions:
        """Those of some of the labels, by column."""
        return replace(self, logits=self.logits[:, :, labels], targets=self.targets[:, labels])

    def at(self, rows: np.ndarray) -> Predictions:
        """Those on some of the images: bool (N,) or row numbers."""
        about = {name: getattr(self, name)[rows] for name in ("targets", "patients", "ids", "views")}
        return replace(self, logits=self.logits[:, rows], **about)


def kept_rows(cohort: Cohort) -> np.ndarray:
    """Rows of the cohort whose predictions are kept: val, then test."""
    return np.concatenate([cohort.rows(split) for split in KEPT_SPLITS])


def write_cases(run_folder: Path, cohort: Cohort) -> None:
    """Write `cases.csv`: id, patient, split, view and the target of each label (empty where unknown)."""
    rows = kept_rows(cohort)
    known = [cohort.ids, cohort.patients, cohort.split, cohort.views]
    table = pd.DataFrame({name: column[rows] for name, column in zip(_COLUMNS, known, strict=True)})
    targets = pd.DataFrame(cohort.targets[rows], columns=list(cohort.labels)).astype("Int8")
    try:
        with replacing(run_folder / FOLDER / CASES) as part:
            pd.concat([table, targets], axis=1).to_csv(part, index=False)
    except OSError as error:
        raise cannot_write(run_folder, error) from error


def write_logits(run_folder: Path, member: str, seed: int, logits: np.ndarray) -> None:
    """Write one member's logits (N, K) for the rows of `cases.csv`."""
    path = _logits_path(run_folder, member, seed)
    try:
        with replacing(path) as part:
            np.savez_compressed(part, logits=logits.astype(np.float32))
    except OSError as error:
        raise cannot_write(run_folder, error) from error


def has_logits(run_folder: Path, member: str, seed: int) -> bool:
    """Whether anything is kept about a member and seed."""
    return _logits_path(run_folder, member, seed).exists()


def read_predictions(
    run_folder: Path, member: str, split: Split, labels: tuple[str, ...], seeds: tuple[int, ...]
) -> Predictions:
    """What is kept about one member on one split, over those of `seeds` that it has, in their order.

    Raises:
        RunError: nothing is kept, or files do not line up.
    """
    cases = _read_cases(run_folder, labels)
    seeds = tuple(seed for seed in seeds if has_logits(run_folder, member, seed))
    if not seeds:
        raise RunError(f"{run_folder.name}: no predictions of member {member!r}; the run has not come that far")
    here = (cases["split"] == split).to_numpy()
    logits = np.stack([_read_logits(run_folder, member, seed, (len(cases), len(labels)))[here] for seed in seeds])
    targets = cases.loc[here, list(labels)].to_numpy(np.float32)
    patients, ids, views = (cases.loc[here, name].to_numpy(str) for name in ("patient", "id", "view"))
    return Predictions(logits, targets, patients, ids, views, seeds)


def _read_cases(run_folder: Path, labels: tuple[str, ...]) -> pd.DataFrame:
    path = run_folder / FOLDER / CASES
    types = dict.fromkeys(_COLUMNS, str) | dict.fromkeys(labels, "float32")
    try:
        cases = pd.read_csv(path, dtype=types, keep_default_na=False, na_values={label: [""] for label in labels})
    except (OSError, ValueError) as error:
        raise RunError(f"{run_folder.name}: {CASES} is missing or damaged ({error})") from error
    missing = [name for name in types if name not in cases]
    if missing:
        raise RunError(f"{run_folder.name}: {CASES} has no column {missing[0]!r}; the run is damaged")
    return cases


def _read_logits(run_folder: Path, member: str, seed: int, shape: tuple[int, int]) -> np.ndarray:
    path = _logits_path(run_folder, member, seed)
    try:
        with np.load(path, allow_pickle=False) as file:
            logits = file["logits"]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise RunError(f"{run_folder.name}: {path.name} cannot be read ({error}); the run is damaged") from error
    if logits.shape != shape:
        raise RunError(f"{run_folder.name}: {path.name} has shape {logits.shape}, expected {shape} as in {CASES}")
    return logits


def _logits_path(run_folder: Path, member: str, seed: int) -> Path:
    return run_folder / FOLDER / f"{member}-seed{seed}.npz"
