"""Folders among the files that were named: what is answered of them, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cxrkd.cli.files import Failure
from cxrkd.errors import ImageError
from cxrkd.text import legible


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
        return legible(f"{self.folder}: {files} neither PNG, JPEG nor DICOM and left out ({self.names}).")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def expanded(files: Sequence[Path]) -> tuple[list[Path], list[LeftOut], list[Failure]]:
    """The files, and for each folder the films below it in its place; and the folders that cannot be opened."""
    from cxrkd.images.folders import films_below, named_in_short

    paths: list[Path] = []
    left_out: list[LeftOut] = []
    failures: list[Failure] = []
    for path in files:
        if not os.path.isdir(path):  # unlike that of pathlib it raises nothing, as for a name too long for any file
            paths.append(path)
            continue
        try:
            held = films_below(path)
        except ImageError as error:
            failures.append(Failure(str(path), str(error)))
            continue
        paths += held.films
        failures += [
            Failure(str(below), f"{below} cannot be opened ({why}), so that its films are not answered.")
            for below, why in held.unopened
        ]
        if held.others:
            left_out.append(LeftOut(str(path), len(held.others), named_in_short(held.others)))
    return paths, left_out, failures
