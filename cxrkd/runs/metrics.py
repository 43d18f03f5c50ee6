"""The figures of a run: each member on the test split, and what distillation gained over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cxrkd.config import Member
from cxrkd.errors import RunError
from cxrkd.evaluate.metrics import ModelMetrics, evaluate
from cxrkd.evaluate.paired import PairedDifference, paired_difference
from cxrkd.evaluate.record import Record
from cxrkd.evaluate.thresholds import best_thresholds, threshold_intervals
from cxrkd.runs.predictions import TRIVIAL, Answerer, Predictions
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.runs.run import Run

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

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The metrics that `to_dict` wrote."""
        models = {name: ModelMetrics.from_dict(values[name]) for name in ("model", "over_seeds")}
        return super().from_dict(values | models)


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
    def from_dict(cls, raw: dict[str, Any]) -> RunMetrics:
        """The metrics that `to_dict` wrote.

        Raises:
            RunError: keys are missing; the file is damaged or of another version.
        """
        try:
            return cls(
                labels=tuple(raw["labels"]),
                members={name: MemberMetrics.from_dict(member) for name, member in raw["members"].items()},
                gain=PairedDifference.from_dict(raw["gain"]) if raw["gain"] else None,
                gap=PairedDifference.from_dict(raw["gap"]) if raw["gap"] else None,
                trivial=ModelMetrics.from_dict(raw["trivial"]) if raw["trivial"] else None,
                above=PairedDifference.from_dict(raw["above"]) if raw["above"] else None,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise RunError(f"metrics.json is damaged or of another version (at {error})") from error


def measure_run(run: Run, within: np.ndarray | None = None, labels: Sequence[str] | None = None) -> RunMetrics:
    """Every figure of a run, from its kept predictions alone.

    Args:
        run: finished.
        within: bool (N,), the test images to measure on; all when None. Thresholds always come from all of val.
        labels: some of the run's, to measure and to average over; all when None.

    Raises:
        RunError: predictions are missing or damaged.
    """
    config, members = run.config, run.members()
    labels = run.labels if labels is None else tuple(labels)
    columns = [run.labels.index(label) for label in labels]
    val = {member: run.predictions(member, "val").of(columns) for member in members}
    asked: list[Answerer] = [*members, TRIVIAL] if run.has_predictions(TRIVIAL) else [*members]
    test = {name: run.predictions(name, "test").of(columns) for name in asked}
    if within is not None:
        test = {name: said.at(within) for name, said in test.items()}
    archs = {member: config.teacher_arch if member == "teacher" else config.student_arch for member in members}
    figures = {m: measure_member(archs[m], val[m], test[m], labels) for m in members}
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
    test: dict[Answerer, Predictions], a: Answerer, b: Answerer, labels: tuple[str, ...]
) -> PairedDifference | None:
    """`a` minus `b`, over seeds; None when either is missing."""
    if a not in test or b not in test:
        return None
    first = test[a]
    return paired_difference(first.logits, test[b].logits, first.targets, first.patients, labels)
