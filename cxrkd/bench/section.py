"""The result of one comparison."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from cxrkd.bench.timing import Timing


@dataclass(frozen=True)
class Goal:
    """What a ratio should reach: at least `bound` times faster, or at most `bound` times the cost."""

    bound: float
    at_least: bool = True

    def met(self, ratio: float) -> bool:
        """Whether a ratio reaches it."""
        return ratio >= self.bound if self.at_least else ratio <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}x"


@dataclass(frozen=True)
class Section:
    """One comparison.

    Attributes:
        name: short and unique.
        ours: what was run on our side, in words.
        theirs: what it was held against.
        ours_ms: median.
        theirs_ms: median, in the same rounds.
        ratio: theirs / ours, how many times faster; for a goal of cost (at most) ours / theirs.
        ratio_low: the smallest ratio of a single round, with `ratio_high` the largest.
        rounds: interleaved rounds behind the medians.
        detail: further figures.
        remark: what keeps the ratio from being better, in a sentence.
        goal: None where nothing was promised.
    """

    name: str
    ours: str
    theirs: str
    ours_ms: float
    theirs_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    rounds: int
    detail: dict[str, Any] = field(default_factory=dict)
    remark: str = ""
    goal: Goal | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal was reached; None without one."""
        return None if self.goal is None else self.goal.met(self.ratio)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        goal = None if self.goal is None else str(self.goal)
        return asdict(self) | {"goal": goal, "met": self.met}

    def headline(self) -> str:
        """One line for people."""
        verdict = "" if self.goal is None else f", goal {self.goal} {'met' if self.met else 'NOT met'}"
        return (
            f"{self.name}: {self.ratio:.2f}x ({self.ratio_low:.2f} to {self.ratio_high:.2f} over {self.rounds} "
            f"round{'s' if self.rounds > 1 else ''}){verdict}"
        )

    def lines(self) -> list[str]:
        """The whole section for people."""
        sides = [f"  {self.ours_ms:10.2f} ms  {self.ours}", f"  {self.theirs_ms:10.2f} ms  {self.theirs}"]
        remark = [f"  {self.remark}"] if self.remark else []
        return ["", self.headline(), *sides, *(f"  {line}" for line in _flat(self.detail)), *remark]


def compare(
    name: str,
    ours: tuple[str, Timing],
    theirs: tuple[str, Timing],
    *,
    goal: Goal | None = None,
    detail: dict[str, Any] | None = None,
    remark: str = "",
) -> Section:
    """A section from what was run on either side and its times in the same rounds."""
    cost = goal is not None and not goal.at_least
    above, below = (ours[1], theirs[1]) if cost else (theirs[1], ours[1])
    ratios = [a / b for a, b in zip(above.rounds_ms, below.rounds_ms, strict=True)]
    return Section(
        name=name,
        ours=ours[0],
        theirs=theirs[0],
        ours_ms=ours[1].median_ms,
        theirs_ms=theirs[1].median_ms,
        ratio=above.median_ms / below.median_ms,
        ratio_low=min(ratios),
        ratio_high=max(ratios),
        rounds=len(ratios),
        detail=detail or {},
        remark=remark,
        goal=goal,
    )


def _flat(detail: dict[str, Any]) -> list[str]:
    """Nested figures as lines: outer names in front, innermost figures side by side."""
    lines = []
    for name, value in detail.items():
        if not isinstance(value, dict):
            lines.append(f"{name}: {_text(value)}")
        elif any(isinstance(inner, dict) for inner in value.values()):
            lines += [f"{name} {line}" for line in _flat(value)]
        elif value:
            lines.append(f"{name}: " + ", ".join(f"{inner} {_text(figure)}" for inner, figure in value.items()))
    return lines


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
