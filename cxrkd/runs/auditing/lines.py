"""A figure beside what knows nothing of the film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxrkd.evaluate.means import Mean
from cxrkd.evaluate.record import Record


@dataclass(frozen=True)
class Beside(Record):
    """Something that knows nothing of the film, and how far a figure is above it.

    Attributes:
        name: of the chance lines or rivals of the figure.
        value: what it reaches.
        above: the figure minus that, paired; the other way round of figures that are good when low.
    """

    name: str
    value: Mean
    above: Mean


def above_each(rivals: Sequence[Beside]) -> bool:
    """More than each of them, with an interval that leaves zero out."""
    return all(one.above.above_zero for one in rivals)


def closest(rivals: Sequence[Beside]) -> Beside:
    """The one that a figure is the least above; what is not known comes last."""
    return min(rivals, key=lambda one: np.inf if np.isnan(one.above.value) else one.above.value)
