"""Progress of a whole job, from the progress of its stages."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from cxrkd.jobs.state import read_state, write_state

WRITE_EVERY_S = 1.0
Follower = Callable[[str, float, float | None], None]
"""Told how far a job is, whenever that is written down: what it does, its share 0..1, seconds left or None."""


@dataclass
class JobProgress:
    """Keeps `state.json` up to date.

    `weights` are guesses of each stage's seconds; how wrong they were so far corrects the guess for what is left.
    `reached` is the share of the whole job that was told; it never falls, whatever is done again after a resume.
    `follower` is told of it, where another job does this one as a part of its own.
    """

    folder: Path
    weights: dict[str, float]
    done: set[str] = field(default_factory=set)
    reached: float = 0.0
    follower: Follower | None = None
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
            left = eta_s
            if left is None and fraction > 0:
                left = elapsed * (1 - fraction) / fraction
            later = self._later(elapsed, fraction)
            self._write(title, fraction, left + later if left is not None and 0 <= left < math.inf else None)

    def _later(self, elapsed: float, fraction: float) -> float:
        """Seconds that the stages after this one will take."""
        guessed = self._guessed + fraction * self.weights[self._stage]
        pace = (self._spent + elapsed) / guessed if guessed else 1.0
        return pace * sum(w for name, w in self.weights.items() if name not in self.done and name != self._stage)

    def _write(self, title: str, fraction: float, eta_s: float | None) -> None:
        state = read_state(self.folder)
        # Stages that are done are counted again after a resume, and weighed anew: what was reached stays reached.
        self.reached = max(state.progress, self.reached, round(self._share(fraction), 4))
        write_state(self.folder, replace(state, stage=title, progress=self.reached, eta_s=eta_s))
        self._written = time.monotonic()
        if self.follower is not None:
            self.follower(title, self.reached, eta_s)

    def _share(self, fraction: float) -> float:
        done = sum(self.weights[name] for name in self.done) + fraction * self.weights[self._stage]
        return min(1.0, done / sum(self.weights.values()))
