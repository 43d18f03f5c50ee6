"""What is kept of a film once it is read: a network's input and what the gate looks at, some hundred kilobytes.

Both are computed from the full film, so that they are bit for bit what they are where the full film is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cxrkd.images.gate import Verdict, load_gate
from cxrkd.images.looks import shrink
from cxrkd.images.radiograph import Radiograph, crop_note, to_input


@dataclass(frozen=True, eq=False)
class Reduced:
    """A film at the size of the networks.

    Attributes:
        name, sha256, colour: as of the radiograph; the hash is that of the full film.
        notes: what was done to the stored values, and what the crop to a square takes.
        tones: uint8 (S, S), the input of the networks in 8 bits.
        small: float32 (64, 64), the whole film as the gate sees it.
    """

    name: str
    notes: tuple[str, ...]
    sha256: str
    colour: float
    tones: np.ndarray = field(repr=False)
    small: np.ndarray = field(repr=False)

    @property
    def pixels(self) -> np.ndarray:
        """Float32 (S, S) in [0, 1], what `to_input` makes of the full film."""
        return self.tones.astype(np.float32) / np.float32(255)

    def judge(self) -> Verdict:
        """What the gate says, as of the full film.

        Raises:
            GateError: the coefficients of the gate are missing or damaged.
        """
        return load_gate().judge_small(self.small, self.colour)


def reduce(r: Radiograph, size: int) -> Reduced:
    """A film at the size S of the networks."""
    crop = crop_note(r)
    notes = (*r.notes, crop) if crop else r.notes
    tones = np.rint(to_input(r, size) * 255).astype(np.uint8)
    return Reduced(r.name, notes, r.sha256, r.colour, tones, np.ascontiguousarray(shrink(r.pixels), np.float32))
