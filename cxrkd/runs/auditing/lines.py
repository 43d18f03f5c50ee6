"""A figure beside what knows nothing of the film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxrkd.evaluate.means import Mean
from cxrkd.evaluate.record import Record

ALL_LABELS = ""


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


@dataclass(frozen=True)
class AgainstRivals(Record):
    """A figure of a network's maps, over cells of one label or of all, beside that of rivals.

    Attributes:
        member: who. label: ALL_LABELS for all. figure: which.
        own: mean.
        rivals: what has not seen the film.
        enough: as many patients as a finding needs to count.
    """

    member: str
    label: str
    figure: str
    own: Mean
    rivals: tuple[Beside, ...]
    enough: bool

    @property
    def holds(self) -> bool:
        """Better than each rival, with an interval that leaves zero out."""
        return self.enough and above_each(self.rivals)

    @property
    def weakest(self) -> Beside:
        """The rival that it is the least above."""
        return closest(self.rivals)
