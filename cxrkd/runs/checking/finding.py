"""What is wrong with a run, said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cxrkd.evaluate.record import Record

RESTORE = "Restore it from a copy, or make the run again."
Mend = Callable[[], str]


@dataclass(frozen=True)
class Finding(Record):
    """Something that is wrong with a run.

    Attributes:
        run: its id; empty of the folder of runs itself.
        file: in the run's folder.
        problem: a sentence.
        todo: what to do about it; empty where the problem says so, or where it was repaired.
        fixed: what was done about it; empty where nothing was.
        mend: puts it right, and says how; None where nothing can.
    """

    run: str
    file: str
    problem: str
    todo: str = ""
    fixed: str = ""
    mend: Mend | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {name: getattr(self, name) for name in ("run", "file", "problem", "todo", "fixed")}
