"""Which films a run was made from, kept with it: whoever measures it on other films can then see that they are others.

`seen.npz`: id, name of the file, patient, split and perceptual hash (`cxrkd.images.likeness`) of every film, some 50
bytes each. Trained on are those of train and val: networks were fitted to the first, thresholds were chosen on the
second.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.atomic import replacing
from cxrkd.checksums import check, relist, seal
from cxrkd.data import is_here
from cxrkd.data.cohort import SPLITS
from cxrkd.data.image_files import ImageFiles
from cxrkd.data.stored import InNpz, Monochrome1
from cxrkd.errors import CxrkdError
from cxrkd.images.likeness import BYTES, likenesses
from cxrkd.jobs.files import cannot_write, damaged, require_file
from cxrkd.names import without_image_suffix
from cxrkd.progress import Progress
from cxrkd.runs.reference import cohort_of

if TYPE_CHECKING:
    from cxrkd.data.cohort import Cohort
    from cxrkd.runs.run import Run

FILE = "seen.npz"
VERSION = 1
_NAMES = ("ids", "names", "patients", "split")


@dataclass(frozen=True)
class Seen:
    """The films of a data set, as far as others can be told from them.

    Attributes:
        ids: str (N,).
        names: str (N,), of their files, without folder and suffix; the ids where they lie in no files.
        patients: str (N,).
        split: str (N,), of train, val and test.
        likeness: uint8 (N, 32), hashes of `cxrkd.images.likeness`.
    """

    ids: np.ndarray
    names: np.ndarray
    patients: np.ndarray
    split: np.ndarray
    likeness: np.ndarray

    @classmethod
    def of(cls, cohort: Cohort, rows: np.ndarray | None = None, progress: Progress | None = None) -> Seen:
        """Those of a cohort, or of some of its rows, whose pixels are read for it.

        Raises:
            DataError: images cannot be decoded.
        """
        chosen = np.arange(len(cohort)) if rows is None else rows
        hashes = likenesses(cohort.images, chosen, progress)
        names = file_names(cohort)[chosen]
        return cls(cohort.ids[chosen], names, cohort.patients[chosen], cohort.split[chosen], hashes)

    def at(self, rows: np.ndarray) -> Seen:
        """Some of them: bool (N,) or row numbers."""
        return replace(self, **{name: getattr(self, name)[rows] for name in (*_NAMES, "likeness")})

    @property
    def trained_on(self) -> Seen:
        """Those that anything was fitted to or chosen on."""
        return self.at(self.split != "test")

    @property
    def tested_on(self) -> Seen:
        """Those that the run's own figures are about."""
        return self.at(self.split == "test")


def file_names(cohort: Cohort) -> np.ndarray:
    """What the file of each film is called, str (N,), without folder and suffix: data sets of one film share it."""
    if not isinstance(cohort.pixels, ImageFiles):
        return cohort.ids
    paths = zip(cohort.ids.tolist(), cohort.pixels.sources, strict=True)
    return np.array([name if isinstance(one, InNpz) else _own_name(one) for name, one in paths])


def _own_name(source: Path | Monochrome1) -> str:
    return without_image_suffix((source if isinstance(source, Path) else source.path).name)


def keep_seen(run: Run, cohort: Cohort, progress: Progress | None = None) -> None:
    """Write the file of a run from the cohort that it is made from.

    Raises:
        DataError: images cannot be decoded.
        RunError: the folder cannot be written.
    """
    write_seen(run, Seen.of(cohort, progress=progress))


def write_seen(run: Run, seen: Seen) -> None:
    """Write the file of a run.

    Raises:
        RunError: the folder cannot be written.
    """
    path = run.path / FILE
    try:
        with replacing(path) as part:
            texts = {name: getattr(seen, name).astype(str) for name in _NAMES}
            np.savez_compressed(part, version=np.array(VERSION), likeness=seen.likeness, **texts)
            seal(part)
        relist(path)
    except OSError as error:
        raise cannot_write(run.path, error) from error


def read_seen(run: Run) -> Seen:
    """What the file of a run says.

    Raises:
        MissingFileError: it has none, as runs of older versions.
        RunError: the file is damaged, or a newer version wrote it.
    """
    path = require_file(run.path / FILE)
    check(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("version", "likeness", *_NAMES)}
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path, str(error)) from error
    version = arrays.pop("version")
    if version.shape != () or version.dtype.kind not in "iu" or version != VERSION:
        raise damaged(path, f"expected version {VERSION} of its format")
    seen = Seen(**arrays)
    why = _misfit(seen)
    if why:
        raise damaged(path, why)
    return seen


def seen_by(run: Run, progress: Progress | None = None) -> Seen | None:
    """The films that a run was made from: from its file, else from its data set; None where neither is here.

    Args:
        run: any.
        progress: called with (films looked at, all) while a data set is read.

    Raises:
        RunError: the file, or the run's settings, are damaged.
    """
    if (run.path / FILE).exists():
        return read_seen(run)
    if not is_here(run.config.data):
        return None
    try:
        return Seen.of(cohort_of(run), progress=progress)
    except CxrkdError:  # what lies there now is another data set, or not whole
        return None


def _misfit(seen: Seen) -> str:
    """Why arrays are no films; empty where they are."""
    n = len(seen.ids) if seen.ids.ndim == 1 else -1
    for name in _NAMES:
        column = getattr(seen, name)
        if column.shape != (n,) or column.dtype.kind != "U":
            return f"expected {name} as text, one a film, got {column.dtype} of shape {column.shape}"
    if seen.likeness.shape != (n, BYTES) or seen.likeness.dtype != np.uint8:
        return f"expected hashes of {BYTES} bytes, got {seen.likeness.dtype} of shape {seen.likeness.shape}"
    return "" if np.isin(seen.split, SPLITS).all() else f"a split is none of {', '.join(SPLITS)}"
