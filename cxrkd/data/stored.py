"""Where one image of a data set is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class InNpz:
    """One image inside an array (n, h, w) of an `.npz` file."""

    path: Path
    array: str
    index: int


@dataclass(frozen=True)
class Monochrome1:
    """A film whose table says MONOCHROME1. Whether its tones are still inverted is decided when it is decoded."""

    path: Path


Stored = Path | InNpz | Monochrome1
