"""A figure beside what knows nothing of the film."""

from __future__ import annotations

from dataclasses import dataclass

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
