"""What degraded films do to the answers of networks: the change of their macro AUROC, paired by patient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from cxrkd.evaluate.inputs import MIN_POSITIVE_PATIENTS, as_seeds
from cxrkd.evaluate.metrics import evaluate
from cxrkd.evaluate.paired import paired_difference
from cxrkd.evaluate.record import Record

Name = TypeVar("Name", bound=str)  # a mapping of members is none of texts to a type checker

TOLERATED = 0.02
"""Macro AUROC that a network may lose and still be said to hold."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class StressRow(Record):
    """One network under one degradation, against itself on the same films as they came.

    Attributes:
        stress: name of the degradation (`cxrkd.images.stress`).
        member: the network.
        auroc: macro AUROC under it, with `auroc_low` and `auroc_high`, its 95 % interval.
        diff: that minus the macro AUROC on the films as they came, with `low` and `high`, paired by patient. The one
            network that the weights are is measured, so the intervals hold which patients were met.
        shift: mean change of the probability, over films and the findings that count; `change` that of its size, in
            which rises and falls do not cancel.
    """

    stress: str
    member: str
    auroc: float
    auroc_low: float
    auroc_high: float
    diff: float
    low: float
    high: float
    shift: float
    change: float

    @property
    def holds(self) -> bool:
        """The drop is at most TOLERATED; False where it cannot be measured."""
        return self.diff >= -TOLERATED - _ROUNDING


@dataclass(frozen=True)
class CleanRow(Record):
    """Macro AUROC of one network on the films as they came, with its 95 % interval."""

    member: str
    auroc: float
    low: float
    high: float


@dataclass(frozen=True)
class StressMetrics(Record):
    """What degradations do to some networks.

    Attributes:
        labels: K findings.
        counted: those with enough positive patients, which every mean is over.
        clean: by network.
        rows: degradation by degradation, all networks of each.
        n: films. n_patients: distinct patients.
    """

    labels: tuple[str, ...]
    counted: tuple[str, ...]
    clean: tuple[CleanRow, ...]
    rows: tuple[StressRow, ...]
    n: int
    n_patients: int

    def of(self, stress: str) -> dict[str, StressRow]:
        """Network -> its row under one degradation."""
        return {row.member: row for row in self.rows if row.stress == stress}

    @property
    def stresses(self) -> tuple[str, ...]:
        """Names of the degradations, in order."""
        return tuple(dict.fromkeys(row.stress for row in self.rows))

    @property
    def members(self) -> tuple[str, ...]:
        """The networks, in order."""
        return tuple(row.member for row in self.clean)


def measure_stress(
    clean: Mapping[Name, ArrayLike],
    stressed: Mapping[str, Mapping[Name, ArrayLike]],
    targets: ArrayLike,
    patients: ArrayLike,
    labels: Sequence[str],
    min_patients: int = MIN_POSITIVE_PATIENTS,
) -> StressMetrics:
    """Every figure of networks under degradations.

    Args:
        clean: network -> logits (N, K) on the films as they came; a column of NaN is a label never taught.
        stressed: degradation -> network -> logits (N, K) on the same films.
        targets: (N, K): 1, 0, or NaN unknown.
        patients: (N,), the unit of the intervals.
        labels: K names.
        min_patients: with fewer positive patients a finding does not count, as in `evaluate`.

    Raises:
        DataError: shapes do not fit, logits are NaN, or targets are not 0, 1 or NaN.
    """
    whole = {name: evaluate(z, targets, patients, labels, min_patients=min_patients) for name, z in clean.items()}
    counts = {name: [row.evaluable for row in model.labels] for name, model in whole.items()}
    first = next(iter(whole.values()))
    rows = []
    for stress, answers in stressed.items():
        for name, logits in answers.items():
            now = evaluate(logits, targets, patients, labels, min_patients=min_patients)
            change = paired_difference(logits, clean[name], targets, patients, labels, min_patients)
            moved = _moved(logits, clean[name], counts[name])
            rows.append(
                StressRow(
                    stress,
                    name,
                    *(now.macro_auroc, now.macro_low, now.macro_high),
                    *(change.macro_diff, change.macro_low, change.macro_high),
                    *(float(moved.mean()), float(np.abs(moved).mean())) if moved.size else (math.nan, math.nan),
                )
            )
    return StressMetrics(
        labels=tuple(labels),
        counted=tuple(row.label for k, row in enumerate(first.labels) if any(one[k] for one in counts.values())),
        clean=tuple(CleanRow(name, m.macro_auroc, m.macro_low, m.macro_high) for name, m in whole.items()),
        rows=tuple(rows),
        n=first.n,
        n_patients=first.n_patients,
    )


def _moved(after: ArrayLike, before: ArrayLike, counted: Sequence[bool]) -> np.ndarray:
    """Change of the probability (1, N, k) at the findings that count."""
    pair = [np.asarray(z, dtype=np.float64) for z in (after, before)]
    now, then = (expit(as_seeds(z, z.shape[-2:])[:, :, np.array(counted, bool)]) for z in pair)
    return np.asarray(now - then)
