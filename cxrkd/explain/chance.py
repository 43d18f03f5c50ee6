"""Chance lines: how much agreement there is without anything being recognised on this film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np

from cxrkd.plain import plain

LINE_NAMES: dict[str, str] = {
    "random_student": "random students",
    "random_ranking": "random rankings",
    "moved": "the student's map moved elsewhere",
    "other_film": "the student on other films",
    "label_mean": "the student's mean map of the label",
    "film_mean": "the student's mean map over other films",
    "centre": "a bump in the middle",
}
QUANTILE = 0.95
ROUNDING = 1e-9
"""Figures that differ by less are equal: rank correlations of few cells tie, whatever order a processor adds in."""
NOT_KEPT = "the run keeps no maps of other films (python -m cxrkd reference RUN makes them)"


@dataclass(frozen=True)
class ChanceLine:
    """One line that an agreement is held against.

    Attributes:
        name: one of LINE_NAMES.
        mean: mean over the draws; NaN where it was not measured.
        high: what an agreement has to exceed: the 95th percentile of the draws (the next draw above it, so that few
            draws do not make it too low), or the only one. Of distances the 5th, which has to be undercut.
        missing: why it was not measured; empty where it was.
    """

    name: str
    mean: float
    high: float
    missing: str = ""

    @property
    def title(self) -> str:
        """As people read it."""
        return LINE_NAMES[self.name]


def line(name: str, draws: np.ndarray | None, *, less: bool = False) -> ChanceLine:
    """The line of some figures; NaN draws (a map was constant) are left out.

    Args:
        name: one of LINE_NAMES.
        draws: (n,); None where there are no maps to draw from.
        less: whether what agrees has less, as distances have: then it has to be below the 5th percentile.

    >>> line("centre", np.array([0.25]))
    ChanceLine(name='centre', mean=0.25, high=0.25, missing='')
    """
    if draws is None:
        return ChanceLine(name, float("nan"), float("nan"), NOT_KEPT)
    known = draws[~np.isnan(draws)]
    if not len(known):
        return ChanceLine(name, float("nan"), float("nan"), "every map of it is flat")
    high = -np.quantile(-known, QUANTILE, method="higher") if less else np.quantile(known, QUANTILE, method="higher")
    return ChanceLine(name, float(known.mean()), float(high))


def above_all(value: float, lines: tuple[ChanceLine, ...]) -> bool | None:
    """Whether an agreement is above every line: False if it is not above one, None if that cannot be known.

    It cannot be known where the agreement is undefined, or where it is above all lines that were measured while one
    was not.
    """
    if np.isnan(value):
        return None
    if any(value - one.high <= ROUNDING for one in lines):
        return False
    return None if any(one.missing for one in lines) else True


def verdict(value: float, lines: tuple[ChanceLine, ...]) -> str:
    """`above_all` in words, with the line that decides."""
    above = above_all(value, lines)
    if above is None and np.isnan(value):
        return "not defined: a map is flat"
    if above is None:
        missing = next(one for one in lines if one.missing)
        return f"above the chance lines that were measured; not measured: {missing.title}, {missing.missing}"
    return "above chance" if above else f"not above chance ({highest(lines).title})"


def highest(lines: tuple[ChanceLine, ...]) -> ChanceLine:
    """The line that is hardest to exceed, of those that were measured; the first if none was."""
    return max(lines, key=lambda one: -np.inf if np.isnan(one.high) else one.high)


def to_dict(lines: tuple[ChanceLine, ...]) -> Mapping[str, Any]:
    """By name, for JSON."""
    return {one.name: {"mean": plain(one.mean), "high": plain(one.high), "missing": one.missing} for one in lines}


@dataclass(frozen=True)
class HeldAgainst:
    """What a figure beside the rank correlation is held against.

    Attributes:
        lines: as those of the rank correlation, of this figure.
        ceiling: what two equal models would reach, or the teacher under light noise; NaN where it is not known.
        less: whether what agrees has less of the figure.
    """

    lines: tuple[ChanceLine, ...]
    ceiling: float
    less: bool

    @property
    def hardest(self) -> float:
        """The line that is hardest to pass, of those that were measured; NaN if none was."""
        known = [one.high for one in self.lines if not np.isnan(one.high)]
        return (min(known) if self.less else max(known)) if known else float("nan")


@dataclass(frozen=True)
class Judged:
    """A rank correlation beside what it is held against.

    Attributes:
        spearman: of the two maps, -1 to 1; NaN where one is constant.
        lines: what has to be exceeded; see `cxrkd.explain.agreement`.
        other_labels_spearman: the teacher's map against the student's maps of the other labels, mean.
        ceiling_spearman: what two equal models would reach here.
        ceiling_title: how that is known, for a table.
        titles: what a table calls the figures that a kind of agreement adds.
        beside: by name, what those figures are held against that have something to be held against.
    """

    ceiling_title: ClassVar[str] = "teacher under light noise"
    titles: ClassVar[Mapping[str, str]] = {}

    spearman: float
    lines: tuple[ChanceLine, ...]
    other_labels_spearman: float
    ceiling_spearman: float
    beside: Mapping[str, HeldAgainst] = field(default_factory=dict, kw_only=True)

    @property
    def above_chance(self) -> bool | None:
        """Whether the agreement is above every chance line; None where that cannot be known."""
        return above_all(self.spearman, self.lines)

    @property
    def verdict(self) -> str:
        """`above_chance` in words."""
        return verdict(self.spearman, self.lines)

    def rows(self) -> dict[str, float]:
        """Every figure by its title for a table: the correlation, what it is held against, and what a kind adds."""
        held = {f"… chance: {line.title}": line.high for line in self.lines}
        held |= {f"… ceiling: {self.ceiling_title}": self.ceiling_spearman}
        held |= {"… student's maps of other labels, mean": self.other_labels_spearman}
        rows = {"Rank correlation (Spearman)": self.spearman, **held}
        for name, title in self.titles.items():
            rows[title] = getattr(self, name)
            if name in self.beside:
                rows[f"… its chance, the hardest of {len(self.lines)} lines ({name})"] = self.beside[name].hardest
                rows[f"… its ceiling ({name})"] = self.beside[name].ceiling
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Fields, `above_chance` and `verdict`, for JSON and tables."""
        conclusion = {"above_chance": self.above_chance, "verdict": self.verdict}
        beside = {
            name: {"lines": to_dict(held.lines), "ceiling": plain(held.ceiling), "less": held.less}
            for name, held in self.beside.items()
        }
        fields = {name: plain(value) for name, value in asdict(self).items()}
        return fields | {"lines": to_dict(self.lines), "beside": beside} | conclusion
