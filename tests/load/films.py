"""Films to upload: phantoms, each of other pixels and under its own name."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from cxrkd.data.phantom import render

PATIENTS = 24


@dataclass(frozen=True)
class Film:
    """One file: its name and its bytes, a PNG."""

    name: str
    data: bytes = field(repr=False)


class Films:
    """Film `index` of visitor `visitor`, the same bytes whenever it is asked for; drawn from a few phantoms.

    No two of them share pixels: each is a phantom in tones of its own.
    """

    def __init__(self, pixels: int, patients: int = PATIENTS) -> None:
        self._drawn = [render(91, patient, 0, pixels).pixels for patient in range(patients)]

    def of(self, visitor: int, index: int) -> Film:
        """The film as a file."""
        number = visitor * 1009 + index
        drawn = self._drawn[number % len(self._drawn)].astype(np.float64) / 255
        toned = drawn ** (0.8 + 0.4 * ((number * 0.61803) % 1.0))
        buffer = io.BytesIO()
        Image.fromarray(np.round(toned * 255).astype(np.uint8)).save(buffer, format="PNG", compress_level=1)
        return Film(f"v{visitor:02d}-{index:04d}.png", buffer.getvalue())
