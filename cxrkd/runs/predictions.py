"""What each member said about each held-out image, kept so that every figure can be computed again."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cxrkd.atomic import replacing
from cxrkd.checksums import check, enlist, relist, seal
from cxrkd.config import Member
from cxrkd.data.cohort import Cohort, Split
from cxrkd.errors import RunError
from cxrkd.jobs.files import cannot_write
from cxrkd.logits import require_numbers

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
        by_image = {name: getattr(self, name)[rows] for name in ("targets", "patients", "ids", "views")}
        return replace(self, logits=self.logits[:, rows], **by_image)


@dataclass(frozen=True)
class HeldOut:
    """What everybody answered about the held-out images of a run.

    Attributes:
        labels: K labels.
        val: by member, and of the trivial model.
        test: of the same.
    """

    labels: tuple[str, ...]
    val: Mapping[Answerer, Predictions]
    test: Mapping[Answerer, Predictions]

    def of(self, labels: Sequence[str]) -> HeldOut:
        """Those of some of the labels."""
        columns = [self.labels.index(label) for label in labels]
        val, test = ({who: one.of(columns) for who, one in split.items()} for split in (self.val, self.test))
        return HeldOut(tuple(labels), val, test)

    def tested_on(self, rows: np.ndarray) -> HeldOut:
        """Those on some of the test images, bool (N,) or row numbers; of val all, because thresholds come from it."""
        return replace(self, test={who: one.at(rows) for who, one in self.test.items()})


def kept_rows(cohort: Cohort) -> np.ndarray:
    """Rows of the cohort whose predictions are kept: val, then test."""
    return np.concatenate([cohort.rows(split) for split in KEPT_SPLITS])


def write_cases(run_folder: Path, cohort: Cohort) -> None:
    """Write `cases.csv`: id, patient, split, view and the target of each label (empty where unknown); list it."""
    rows = kept_rows(cohort)
    known = [cohort.ids, cohort.patients, cohort.split, cohort.views]
    write_table(run_folder, [column[rows] for column in known], cohort.targets[rows], cohort.labels)


def write_table(folder: Path, known: Sequence[np.ndarray], targets: np.ndarray, labels: Sequence[str]) -> None:
    """Write `cases.csv` of any job that keeps answers; list it.

    Args:
        folder: of the job.
        known: id, patient, split and view, str (N,) each.
        targets: (N, K): 1, 0, NaN unknown.
        labels: K names.

    Raises:
        RunError: the folder cannot be written.
    """
    table = pd.DataFrame(dict(zip(_COLUMNS, known, strict=True)))
    truth = pd.DataFrame(targets, columns=list(labels)).astype("Int8")
    try:
        with replacing(folder / FOLDER / CASES) as part:
            pd.concat([table, truth], axis=1).to_csv(part, index=False)
        enlist(folder / FOLDER / CASES, folder)
    except OSError as error:
        raise cannot_write(folder, error) from error


def write_logits(run_folder: Path, member: str, seed: int, logits: np.ndarray) -> None:
    """Write one member's logits (N, K) for the rows of `cases.csv`."""
    path = _logits_path(run_folder, member, seed)
    try:
        with replacing(path) as part:
            np.savez_compressed(part, logits=logits.astype(np.float32))
            seal(part)
        relist(path)
    except OSError as error:
        raise cannot_write(run_folder, error) from error


def has_logits(run_folder: Path, member: str, seed: int) -> bool:
    """Whether anything is kept about a member and seed."""
    return _logits_path(run_folder, member, seed).exists()


def read_held_out(
    run_folder: Path, who: Iterable[Answerer], labels: tuple[str, ...], seeds: tuple[int, ...]
) -> HeldOut:
    """What is kept about some answerers, over those of `seeds` that each has, in their order. Each file is read once.

    Raises:
        RunError: nothing is kept, a file is damaged, or files do not line up; names the file.
        AnswerError: a logit is infinite, or NaN while others of its label are not.
    """
    cases, known = _read_cases(run_folder, labels)
    logits = {one: _read_all_seeds(run_folder, one, labels, seeds) for one in who}
    for one, by_seed in logits.items():
        _require_aligned(run_folder, by_seed, one, len(cases), known)
    val, test = (
        {one: _on_split(cases, split, by_seed, labels) for one, by_seed in logits.items()} for split in KEPT_SPLITS
    )
    return HeldOut(labels, val, test)


def _read_all_seeds(
    run_folder: Path, member: Answerer, labels: tuple[str, ...], seeds: tuple[int, ...]
) -> dict[int, np.ndarray]:
    """Logits (N, K) by seed."""
    kept = [seed for seed in seeds if has_logits(run_folder, member, seed)]
    if not kept:
        raise RunError(f"{run_folder.name}: no predictions of member {member!r}; the run has not come that far")
    return {seed: _read_logits(run_folder, member, seed, labels) for seed in kept}


def _on_split(
    cases: pd.DataFrame, split: Split, logits: Mapping[int, np.ndarray], labels: tuple[str, ...]
) -> Predictions:
    here = (cases["split"] == split).to_numpy()
    targets = cases.loc[here, list(labels)].to_numpy(np.float32)
    patients, ids, views = (cases.loc[here, name].to_numpy(str) for name in ("patient", "id", "view"))
    return Predictions(np.stack([one[here] for one in logits.values()]), targets, patients, ids, views, tuple(logits))


def _read_cases(run_folder: Path, labels: tuple[str, ...]) -> tuple[pd.DataFrame, bool]:
    """The table of held-out images, and whether a checksum says that it is as it was written."""
    path = run_folder / FOLDER / CASES
    if not path.exists():
        raise RunError(
            f"{run_folder.name}: {FOLDER}/{CASES} is missing. Restore it from a copy, or make the run again."
        )
    known = check(path)
    types = dict.fromkeys(_COLUMNS, str) | dict.fromkeys(labels, "float32")
    try:
        text = path.read_text(encoding="utf-8")
        cases = pd.read_csv(
            StringIO(text), dtype=types, keep_default_na=False, na_values={label: [""] for label in labels}
        )
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    missing = [name for name in types if name not in cases]
    if missing:
        raise _damaged(path, f"it has no column {missing[0]!r}")
    if not text.endswith("\n") or cases[list(_COLUMNS)].isna().any(axis=None):
        raise _damaged(path, "a line is cut")
    if not cases["split"].isin(KEPT_SPLITS).all():
        raise _damaged(path, f"a split is none of {', '.join(KEPT_SPLITS)}")
    return cases, known


def _read_logits(run_folder: Path, member: str, seed: int, labels: tuple[str, ...]) -> np.ndarray:
    """Logits (N, K) of a file, each a number or of a label whose whole column is NaN."""
    path = _logits_path(run_folder, member, seed)
    check(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            logits = file["logits"]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, str(error)) from error
    if logits.ndim != 2 or logits.shape[1] != len(labels) or logits.dtype != np.float32:
        raise _damaged(path, f"expected float32 of {len(labels)} findings, got {logits.dtype} of shape {logits.shape}")
    return require_numbers(logits, labels, f"{run_folder.name}, {path.name}")


def _require_aligned(run_folder: Path, logits: dict[int, np.ndarray], member: str, n_cases: int, known: bool) -> None:
    """Refuse logits of another number of images than the table has, and blame the file that changed.

    An archive that could be read holds what was written, for it checks its own parts; a table has only its checksum.
    """
    for seed, answers in logits.items():
        if len(answers) != n_cases:
            path = _logits_path(run_folder, member, seed)
            why = f"{path.name} answers {len(answers)} images in shape {answers.shape}, {CASES} names {n_cases}"
            raise _damaged(path if known else path.with_name(CASES), why)


def _damaged(path: Path, why: str) -> RunError:
    run = path.parent.parent.name
    return RunError(
        f"{run}: {path.parent.name}/{path.name} is damaged ({why}). Restore it from a copy, or make the run again."
    )


def _logits_path(run_folder: Path, member: str, seed: int) -> Path:
    return run_folder / FOLDER / f"{member}-seed{seed}.npz"
