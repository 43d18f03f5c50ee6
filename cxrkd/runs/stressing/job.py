"""What is kept of a stress test (`cxrkd.runs.beside`).

<job>/stress.json           what was asked: the run, and which films
      films.npz             ids, patients and targets of the films, sealed
      logits/<name>.npz     by member, float32 (N, K), sealed; `clean` are the films as they came
      figures.json          what is measured from these, and the checksums of the weights that were asked
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cxrkd.config import Member
from cxrkd.evaluate.stress import StressMetrics, measure_stress
from cxrkd.jobs.files import damaged, read_as
from cxrkd.logits import require_numbers
from cxrkd.runs.beside import FIGURES, FIGURES_VERSION, BesideRun, FilmsAsked, read_arrays

FILMS, LOGITS = "films.npz", "logits"
CLEAN = "clean"
"""Name of the films as they came, among those of the degradations."""


@dataclass(frozen=True)
class StressJob(BesideRun[FilmsAsked]):
    """One stress test."""

    KIND, ASKED, ASKS = "stress", "stress.json", FilmsAsked

    def logits_path(self, name: str) -> Path:
        """Where the answers under a degradation are, whether or not they exist."""
        return self.path / LOGITS / f"{name}.npz"

    def logits(self, name: str) -> dict[Member, np.ndarray]:
        """Member -> logits float32 (N, K) under a degradation, or on the films as they came.

        Raises:
            RunError: they are not there, or damaged.
        """
        labels = self.run().labels
        arrays = read_arrays(self.logits_path(name))
        n = len(self.films()["ids"])
        for member, values in arrays.items():
            if values.shape != (n, len(labels)) or values.dtype != np.float32:
                raise damaged(self.logits_path(name), f"{member}: expected float32 ({n}, {len(labels)})")
            require_numbers(values, labels, f"{self.id}, {name}, {member}")
        return arrays  # type: ignore[return-value]  # the names were written from members

    def films(self) -> dict[str, np.ndarray]:
        """Ids str (N,), patients str (N,) and targets float32 (N, K) of the films.

        Raises:
            RunError: they are not there, or damaged.
        """
        arrays = read_arrays(self.path / FILMS)
        if set(arrays) != {"ids", "patients", "targets"}:
            raise damaged(self.path / FILMS, "expected ids, patients and targets")
        return arrays

    def measure(self) -> StressMetrics:
        """Every figure again, from the kept logits alone.

        Raises:
            RunError: some are missing or damaged.
        """
        from cxrkd.images.stress import BY_NAME  # OpenCV; reading figures needs none

        films = self.films()
        stressed = {name: self.logits(name) for name in BY_NAME if self.logits_path(name).exists()}
        return measure_stress(self.logits(CLEAN), stressed, films["targets"], films["patients"], self.run().labels)

    def metrics(self) -> StressMetrics:
        """The figures as they are kept.

        Raises:
            RunError: the test has not come that far, or the file is damaged.
        """
        return read_as(self.path / FIGURES, FIGURES_VERSION, StressMetrics.from_dict)
