"""Folders whose images pages may read: the operator's list, and one sentence for everything else.

A visitor types a path; what is not a folder of data below an allowed root is refused in words that are the same for a
path that is not there, one that is a file and one that is out of bounds, so that nothing is learned by asking.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cxrkd import private
from cxrkd.config import ChestMnistConfig, DataConfig, FilesConfig, FolderConfig, PhantomConfig
from cxrkd.errors import AccessError
from cxrkd.places import home

SETTING = "CXRKD_DATA"
NOT_OPEN = (
    "This folder is not one that pages may read, or holds no such data. Expected a folder below one that the operator "
    "of this server has allowed with `cxrkd app --data DIR`; data elsewhere is used from the command line."
)
NOT_BELOW = (
    "This table is not one that pages may read. Expected the name of a CSV file below the data set's folder, such as "
    "labels.csv."
)
UNREADABLE = (
    "The data in this folder cannot be read as asked. Check the kind of the data set, the names of its table and of "
    "the columns; `cxrkd data show` on the machine of this server says what is wrong, and where."
)
_TABLES = (".csv", ".tsv", ".txt", ".csv.gz")
_SYSTEM = tuple(Path(name) for name in ("/proc", "/sys", "/dev", "/etc", "/boot"))
_OURS = [[name] for name in private.OURS]  # runs, caches and links are shown by pages in their own ways
_LONGEST, _LONGEST_PART = 1000, 255


def allowed_roots() -> tuple[Path, ...]:
    """The folders below which pages may read: of the setting, the home's `data`, and the working directory.

    The working directory is left out where it is the root of the system, the user's own folder or one above it:
    a server started there was not meant to show it all.
    """
    named = [Path(name) for name in os.environ.get(SETTING, "").split(os.pathsep) if name]
    here = _real(Path.cwd())
    broad = here == Path("/") or _real(Path.home()).is_relative_to(here)
    roots = [*named, home() / "data", *([] if broad else [here])]
    return tuple(dict.fromkeys(_real(root) for root in roots))


def admit(text: str | os.PathLike[str]) -> Path:
    """The folder or `.npz` file that a visitor named, links resolved; a relative path is looked for below each root.

    Raises:
        AccessError: NOT_OPEN, whatever is wrong with it.
    """
    name = os.fspath(text)
    if not _is_file_name(name):
        raise AccessError(NOT_OPEN)
    roots = allowed_roots()
    resolved = (_real(root / name) for root in roots)
    real = next((path for path in resolved if _open_to_pages(path, roots) and _there(path)), None)
    if real is None:
        raise AccessError(NOT_OPEN)
    return real


def admit_data(config: DataConfig) -> DataConfig:
    """The same data set with its folder resolved, if pages may read it; phantoms always.

    Raises:
        AccessError: NOT_OPEN or NOT_BELOW.
    """
    if isinstance(config, PhantomConfig) or config.folder is None:  # ChestMNIST has a place of its own
        return config
    folder = admit(config.folder)
    if folder.is_file() and not (isinstance(config, ChestMnistConfig) and folder.suffix == ".npz"):
        raise AccessError(NOT_OPEN)
    if isinstance(config, FolderConfig):
        _refuse_table(config.table, folder)
    return config.model_copy(update={"folder": folder})


def is_open(config: DataConfig) -> bool:
    """Whether pages may show the images of a data set."""
    try:
        admit_data(config)
    except AccessError:
        return False
    return True


def reachable(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a file, links resolved, lies below one of the roots."""
    return _open_to_pages(_real(path), roots)


def folder_of(config: DataConfig) -> Path | None:
    """Where a data set is; None for phantoms and for the published place of ChestMNIST."""
    return config.folder if isinstance(config, FilesConfig) else None


def _refuse_table(table: Path, folder: Path) -> None:
    """A table is a CSV file below its folder, by name and by where its links lead."""
    name = os.fspath(table)
    below = _is_file_name(name) and not table.is_absolute() and ".." not in table.parts
    if not (below and name.lower().endswith(_TABLES) and _visible(table.parts)):
        raise AccessError(NOT_BELOW)
    real = _real(folder / table)
    if not (real.is_relative_to(folder) and real.is_file() and _visible(real.relative_to(folder).parts)):
        raise AccessError(NOT_BELOW)


def _is_file_name(name: str) -> bool:
    """Whether a name can be a path at all, and means what it says: nothing is expanded."""
    if not name.strip() or len(name) > _LONGEST or not name.isprintable() or name.startswith("~"):
        return False
    return all(len(part.encode("utf-8", "replace")) <= _LONGEST_PART for part in name.split("/"))


def _open_to_pages(real: Path, roots: Sequence[Path]) -> bool:
    """Below a root, not by a hidden name, and neither the system's nor our own."""
    if any(real.is_relative_to(system) for system in _SYSTEM):
        return False
    ours = _real(home())
    if real.is_relative_to(ours) and [part.casefold() for part in real.relative_to(ours).parts[:1]][:1] in _OURS:
        return False
    return any(real.is_relative_to(root) and _visible(real.relative_to(root).parts) for root in roots)


def _visible(parts: Sequence[str]) -> bool:
    return not any(part.startswith(".") for part in parts)


def _there(path: Path) -> bool:
    try:
        return path.is_dir() or (path.suffix == ".npz" and path.is_file())
    except (OSError, ValueError):
        return False


def _real(path: Path) -> Path:
    """The path with every link resolved, also where it is not there."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return Path("/proc")  # what cannot be resolved is nobody's to read
