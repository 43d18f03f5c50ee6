"""Folders among the files that were named: what is answered of them, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LeftOut:
    """What a folder holds besides films.

    Attributes:
        folder: as it was named.
        n: files.
        names: of a few.
    """

    folder: str
    n: int
    names: str

    @property
    def sentence(self) -> str:
        """One line, however many there are."""
        files = "1 file is" if self.n == 1 else f"{self.n:,} files are"
        return f"{self.folder}: {files} neither PNG, JPEG nor DICOM and left out ({self.names})."

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def expanded(files: Sequence[Path]) -> tuple[list[Path], list[LeftOut]]:
    """The files, and for each folder the films below it in its place.

    Raises:
        ImageError: a folder cannot be opened.
    """
    from cxrkd.images.folders import films_below, named_in_short

    paths: list[Path] = []
    left_out: list[LeftOut] = []
    for path in files:
        if not path.is_dir():
            paths.append(path)
            continue
        held = films_below(path)
        paths += held.films
        if held.others:
            left_out.append(LeftOut(str(path), len(held.others), named_in_short(held.others)))
    return paths, left_out
