"""What a part of the campaign found: figures for the table, and faults in words."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Figures and faults of a part.

    Attributes:
        figures: what was counted or measured, by its name in words.
        faults: what should not have been, one line each; empty where all held.
        skipped: why the part could not be done here; empty where it was.
    """

    figures: dict[str, object] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    skipped: str = ""

    def hold(self, what: bool, otherwise: str) -> None:
        """Write a fault down unless `what` is so."""
        if not what:
            self.faults.append(" ".join(otherwise.split())[:400])
