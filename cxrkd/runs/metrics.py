"""The figures of a run: each member on the test split, and what distillation gained over the seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrkd.config import MEMBERS, Member
from cxrkd.errors import RunError
from cxrkd.evaluate.metrics import ModelMetrics, evaluate
from cxrkd.evaluate.paired import PairedDifference, paired_difference
from cxrkd.evaluate.record import Record, read_plain
from cxrkd.evaluate.thresholds import best_thresholds, threshold_intervals
from cxrkd.runs.predictions import TRIVIAL, Answerer, HeldOut, Predictions
from cxrkd.text import shown

_TOLERANCE = 1e-9
VERSION = 2
"""Of metrics.json, raised when figures of the same predictions change: those of other versions are measured again."""


@dataclass(frozen=True)
class MemberMetrics(Record):
    """One member on the test split.

    Attributes:
        arch: name of its architecture.
        seeds: R seeds; the teacher has one.
        thresholds: K probabilities, chosen on val for the first seed (Youden); NaN where val has too few positive
            patients: the label is not judged.
        thresholds_low: with `thresholds_high`, where other val patients could have put each one, 95 %.
        model: the network whose weights are kept (first seed), at `thresholds`; its intervals hold patients only.
        over_seeds: means over all seeds; its intervals hold patients and, of several seeds, how trainings scatter.
            `seed_macro_auroc` holds one macro AUROC a seed.
    """

    arch: str
    seeds: tuple[int, ...]
    thresholds: tuple[float, ...]
    thresholds_low: tuple[float, ...]
    thresholds_high: tuple[float, ...]
    model: ModelMetrics
    over_seeds: ModelMetrics

    def thresholds_array(self) -> np.ndarray:
        """Thresholds as float64 (K,)."""
        return np.array(self.thresholds, float)


@dataclass(frozen=True)
class RunMetrics:
    """All figures of a run.

    Attributes:
        labels: K labels.
        members: by member.
        gain: distilled minus alone over all seeds, paired by patient and by seed; None without a control.
        gap: distilled against the teacher, the one network that it is; its `ratio` is what the student kept of its
            AUROC, its `skill` of what that has above chance.
        trivial: what a model gets that knows no anatomy (`cxrkd.evaluate.trivial`); None where it was not asked.
        above: distilled minus that model, paired.
    """

    labels: tuple[str, ...]
    members: dict[Member, MemberMetrics]
    gain: PairedDifference | None
    gap: PairedDifference | None
    trivial: ModelMetrics | None = None
    above: PairedDifference | None = None

    def of(self, member: Member) -> MemberMetrics:
        """One member's figures.

        Raises:
            RunError: the run has no such member.
        """
        if member not in self.members:
            raise RunError(f"this run has no member {shown(member)}; it has {', '.join(self.members)}")
        return self.members[member]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; NaN becomes None."""
        return {
            "version": VERSION,
            "labels": list(self.labels),
            "members": {name: member.to_dict() for name, member in self.members.items()},
            "gain": self.gain.to_dict() if self.gain else None,
            "gap": self.gap.to_dict() if self.gap else None,
            "trivial": self.trivial.to_dict() if self.trivial else None,
            "above": self.above.to_dict() if self.above else None,
        }

    @classmethod
    def from_dict(cls, raw: Any) -> RunMetrics:
        """The metrics that `to_dict` wrote.

        Raises:
            ValueError: keys are missing, of other types, or do not fit together; says which.
        """
        if not isinstance(raw, dict):
            raise ValueError(f"expected an object, got {type(raw).__name__}")
        kinds = {"gain": PairedDifference, "gap": PairedDifference, "trivial": ModelMetrics, "above": PairedDifference}
        missing = [name for name in ("labels", "members", *kinds) if name not in raw]
        if missing:
            raise ValueError(f"{missing[0]} is missing")
        labels = read_plain(raw["labels"], tuple[str, ...], "labels")
        members = raw["members"]
        if not isinstance(members, dict) or not members or not set(members) <= set(MEMBERS):
            raise ValueError(f"members: expected some of {', '.join(MEMBERS)}")
        read = {name: MemberMetrics.from_dict(member) for name, member in members.items()}
        others = {
            name: None if raw[name] is None else read_plain(raw[name], kind, name) for name, kind in kinds.items()
        }
        metrics = cls(labels, read, **others)
        metrics.require_one_length()
        return metrics

    def require_one_length(self) -> None:
        """Refuse figures that are not about the same labels.

        Raises:
            ValueError: says which.
        """
        models = [model for member in self.members.values() for model in (member.model, member.over_seeds)]
        rows = [one.labels for one in (*models, self.gain, self.gap, self.trivial, self.above) if one is not None]
        if not self.labels or any(tuple(row.label for row in of_one) != self.labels for of_one in rows):
            raise ValueError("labels: some figures are about others")
        for name, member in self.members.items():
            cuts = (member.thresholds, member.thresholds_low, member.thresholds_high)
            if any(len(cut) != len(self.labels) for cut in cuts):
                raise ValueError(f"{name}: expected a threshold for each label")
            if not member.seeds or len(member.over_seeds.seed_macro_auroc) != len(member.seeds):
                raise ValueError(f"{name}: expected a figure for each seed")


def measure(held_out: HeldOut, archs: Mapping[Member, str]) -> RunMetrics:
    """Every figure that follows from what was answered about held-out images.

    Args:
        held_out: answers of the members, and of the trivial model where it was asked.
        archs: name of the architecture of each member to measure.
    """
    labels, test = held_out.labels, held_out.test
    figures = {who: measure_member(arch, held_out.val[who], test[who], labels) for who, arch in archs.items()}
    others: tuple[Answerer, ...] = ("alone", "teacher", TRIVIAL)
    gain, gap, above = (compare(test, "distilled", other, labels) for other in others)
    plain = test.get(TRIVIAL)
    trivial = evaluate(plain.logits, plain.targets, plain.patients, labels) if plain else None
    return RunMetrics(labels, figures, gain, gap, trivial, above)


def measure_member(arch: str, val: Predictions, test: Predictions, labels: tuple[str, ...]) -> MemberMetrics:
    """Thresholds from val and metrics on test, of the first seed and over all seeds."""
    cuts = np.stack([best_thresholds(logits, val.targets, val.patients) for logits in val.logits])
    low, high = threshold_intervals(val.logits[0], val.targets, val.patients).T
    model = evaluate(test.logits[0], test.targets, test.patients, labels, cuts[0])
    several = len(test.seeds) > 1
    over_seeds = evaluate(test.logits, test.targets, test.patients, labels, cuts) if several else model
    cut, cut_low, cut_high = (tuple(values.tolist()) for values in (cuts[0], low, high))
    return MemberMetrics(arch, test.seeds, cut, cut_low, cut_high, model, over_seeds)


def compare(
    test: Mapping[Answerer, Predictions], a: Answerer, b: Answerer, labels: tuple[str, ...]
) -> PairedDifference | None:
    """`a` minus `b`, over seeds; None when either is missing."""
    if a not in test or b not in test:
        return None
    first = test[a]
    return paired_difference(first.logits, test[b].logits, first.targets, first.patients, labels)


def same_figures(a: Any, b: Any) -> bool:
    """Equal structure, and numbers equal up to rounding: plain values of two `RunMetrics`."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_figures(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_figures, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(a == b)
