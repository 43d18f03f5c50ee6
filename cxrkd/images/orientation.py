"""Films that are stored mirrored or turned and say so, set upright: patient's left to the right, feet to the bottom."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydicom.dataset import Dataset

from cxrkd.images.elements import texts, word


class Turn(NamedTuple):
    """What to do with an image, in this order: exchange rows and columns, mirror left and right, top and bottom."""

    transpose: bool = False
    mirror: bool = False
    flip: bool = False

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Turn an image (H, W) or (H, W, channels)."""
        pixels = np.swapaxes(pixels, 0, 1) if self.transpose else pixels
        return pixels[:: -1 if self.flip else 1, :: -1 if self.mirror else 1]


EXIF = {
    2: Turn(mirror=True),
    3: Turn(mirror=True, flip=True),
    4: Turn(flip=True),
    5: Turn(transpose=True),
    6: Turn(transpose=True, mirror=True),
    7: Turn(transpose=True, mirror=True, flip=True),
    8: Turn(transpose=True, flip=True),
}
"""By the orientation of EXIF 2.3, 4.6.4 A; 1 is upright."""
SIDES, ENDS = "LR", "FH"


def upright(pixels: np.ndarray, ds: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    r"""The image (H, W) turned as PatientOrientation says (PS3.3, C.7.6.1.1.1), and notes.

    `L\F` is a frontal film as it is looked at: rows run to the patient's left, columns to the feet.
    """
    if not word(ds, "PatientOrientation").strip("\\"):
        return pixels, ()
    turn = frontal(texts(ds, "PatientOrientation"))
    if turn is None:
        return pixels, ("PatientOrientation is not that of a frontal film: left as stored",)
    if turn == Turn():
        return pixels, ()
    return turn.apply(pixels), (f"{_done(turn)} as its PatientOrientation says",)


def frontal(directions: list[str]) -> Turn | None:
    r"""The turn that makes `L\F` of two directions; None where they are not one along the body and one across.

    A second and third letter of a direction tell of a slight tilt and do not matter here.
    """
    if len(directions) != 2 or not all(_is_direction(direction) for direction in directions):
        return None
    row, column = (direction[0].upper() for direction in directions)
    transpose = row in ENDS
    if transpose:
        row, column = column, row
    if row not in SIDES or column not in ENDS:
        return None
    return Turn(transpose, mirror=row == "R", flip=column == "H")


def _is_direction(text: str) -> bool:
    """One to three letters, each of another axis: `L`, `LA`, `LAF`; not the words for animals, `LE` or `CR`."""
    axes = [next((axis for axis in ("LR", "AP", "FH") if letter in axis), "") for letter in text.upper()]
    return 1 <= len(axes) <= 3 and all(axes) and len(set(axes)) == len(axes)


def _done(turn: Turn) -> str:
    if turn.transpose:
        return "turned by 90 degrees" + (" and mirrored" if turn.mirror == turn.flip else "")
    if turn.mirror and turn.flip:
        return "turned by 180 degrees"
    return "mirrored left to right" if turn.mirror else "mirrored top to bottom"
