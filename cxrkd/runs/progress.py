"""Progress of a whole run, from the progress of its stages."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from cxrkd.runs.state import read_state, write_state

WRITE_EVERY_S = 1.0


@dataclass
class Progress:
    """Keeps `state.json` up to date.

    `weights` are guesses of each stage's seconds; how wrong they were so far corrects the guess for what is left.
    """

    folder: Path
    weights: dict[str, float]
    done: set[str] = field(default_factory=set)
    _stage: str = ""
    _spent: float = 0.0
    _guessed: float = 0.0
    _began: float = 0.0
    _written: float = 0.0

    def begin(self, stage: str, title: str) -> None:
        """A stage starts."""
        self._stage, self._began = stage, time.monotonic()
        self._write(title, 0.0, None)

    def end(self, stage: str, *, skipped: bool = False) -> float:
        """A stage is finished; returns its seconds. One that was skipped teaches nothing about speed."""
        seconds = time.monotonic() - self._began
        self.done.add(stage)
        if not skipped:
            self._spent, self._guessed = self._spent + seconds, self._guessed + self.weights[stage]
        return seconds

    def update(self, title: str, fraction: float, eta_s: float | None = None) -> None:
        """The stage is `fraction` done and has `eta_s` seconds left; written at most once a second."""
        if time.monotonic() - self._written >= WRITE_EVERY_S:
            elapsed = time.monotonic() - self._began
            left = eta_s if eta_s is not None else elapsed * (1 - fraction) / max(fraction, 1e-6)
            self._write(title, fraction, left + self._later(elapsed, fraction))

    def _later(self, elapsed: float, fraction: float) -> float:
        """Seconds that the stages after this one will take."""
        guessed = self._guessed + fraction * self.weights[self._stage]
        pace = (self._spent + elapsed) / guessed if guessed else 1.0
        return pace * sum(w for name, w in self.weights.items() if name not in self.done and name != self._stage)

    def _write(self, title: str, fraction: float, eta_s: float | None) -> None:
        done = sum(self.weights[name] for name in self.done) + fraction * self.weights[self._stage]
        share = done / sum(self.weights.values())
        state = replace(read_state(self.folder), stage=title, progress=round(share, 4), eta_s=eta_s)
        write_state(self.folder, state)
        self._written = time.monotonic()
