"""Where on a chest film something lies, in words. A film hangs as if one faced the patient: right is on the left."""

from __future__ import annotations

import numpy as np

_NAMES = (
    ("right upper", "upper middle", "left upper"),
    ("right mid", "centre", "left mid"),
    ("right base", "lower middle", "left base"),
)


def zone(mask: np.ndarray) -> str:
    """The ninth of the film that most of a mask bool (H, W), not empty, lies in; "around" it if less than half does.

    >>> zone(np.tri(6, k=-3, dtype=bool))
    'right base'
    """
    rows, columns = (np.minimum(3 * np.arange(n) // n, 2) for n in mask.shape)
    inside = np.zeros((3, 3))
    np.add.at(inside, np.ix_(rows, columns), mask)
    row, column = np.unravel_index(np.argmax(inside), inside.shape)
    name = _NAMES[row][column]
    return name if 2 * inside[row, column] >= inside.sum() else f"around {name}"
