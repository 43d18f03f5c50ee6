"""Radiologists beside the networks: each reader's point in a ROC diagram, and which of them a network reaches.

A reader gives one pair of sensitivity and specificity a finding, no curve. A network is held against it on the films
that this reader read, at the reader's own specificity: `reached` where its sensitivity is no less. That alone would be
a coin flip between equals, so the difference stands with an interval, and words follow the interval.

Readers whose majority the reference is (`cxrkd.evaluate.majority`) are measured and not counted: it agrees with each
of them more than with an independent one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxrkd.errors import DataError
from cxrkd.evaluate.inputs import MIN_POSITIVE_PATIENTS, Cases, as_cases, as_seeds, has_answer
from cxrkd.evaluate.jackknife import Figure, drawn_interval, rate_interval
from cxrkd.evaluate.leaving import rarer_weight, rate_figure
from cxrkd.evaluate.majority import MIN_CELLS, reference_readers
from cxrkd.evaluate.metrics import RATES
from cxrkd.evaluate.reach import sensitivity_at, sensitivity_of
from cxrkd.evaluate.record import Record
from cxrkd.evaluate.thresholds import N_BOOT, draw_patients

ABOVE, WITHIN_CHANCE, BELOW = "above", "within chance", "below"


@dataclass(frozen=True)
class ReaderPoint(Record):
    """One reader at one finding, over the films that the reader judged and whose target is known.

    `evaluable` is False with too few positive patients among them or no negative film: rates are NaN then. `_low` and
    `_high` are 95 % intervals by patient.
    """

    reader: str
    label: str
    n: int
    n_pos: int
    n_pos_patients: int
    sensitivity: float
    sensitivity_low: float
    sensitivity_high: float
    specificity: float
    specificity_low: float
    specificity_high: float
    in_reference: bool
    evaluable: bool


@dataclass(frozen=True)
class ReaderReach(Record):
    """A network against one reader at one finding, on the same films.

    Attributes:
        reader, label: whom and what.
        sensitivity: the network's at the reader's specificity, mean over seeds.
        diff: that minus the reader's sensitivity, with `low`, `high`, its 95 % interval over patients and, of several
            seeds, trainings.
        reached: `diff` is not below zero.
        word: ABOVE, WITHIN_CHANCE or BELOW, after the interval; empty where it is NaN.
        in_reference: the reference was made from this reader among others.
        counted: it is part of `reached` and `of`: independent, enough cases, and the network was taught the label.
    """

    reader: str
    label: str
    sensitivity: float
    diff: float
    low: float
    high: float
    reached: bool
    word: str
    in_reference: bool
    counted: bool


@dataclass(frozen=True)
class MemberReach(Record):
    """One network against all readers; `reached` of `of` counted points."""

    member: str
    rows: tuple[ReaderReach, ...]
    reached: int
    of: int

    def at(self, label: str) -> tuple[int, int]:
        """Readers reached, and readers counted, at one finding."""
        rows = [row for row in self.rows if row.label == label and row.counted]
        return sum(row.reached for row in rows), len(rows)

    def worded(self, word: str) -> int:
        """Counted points with that word."""
        return sum(row.word == word for row in self.rows if row.counted)


@dataclass(frozen=True)
class ReaderStudy(Record):
    """What readers and networks made of the same films.

    Attributes:
        readers: R names.
        in_reference: bool of each.
        labels: K findings.
        points: R x K, label by label.
        members: by network.
        n: films that some reader read and of which something is known.
    """

    readers: tuple[str, ...]
    in_reference: tuple[bool, ...]
    labels: tuple[str, ...]
    points: tuple[ReaderPoint, ...]
    members: tuple[MemberReach, ...]
    n: int

    def at(self, label: str) -> tuple[ReaderPoint, ...]:
        """The readers' points at one finding that have enough cases."""
        return tuple(point for point in self.points if point.label == label and point.evaluable)


@dataclass(frozen=True)
class _Read:
    """The n films of one finding that one reader judged and whose target is known."""

    rows: np.ndarray
    positive: np.ndarray
    called: np.ndarray
    who: np.ndarray
    n_patients: int

    @property
    def n_pos_patients(self) -> int:
        return len(np.unique(self.who[self.positive]))

    def enough(self, min_patients: int) -> bool:
        return self.n_pos_patients >= max(min_patients, 1) and not self.positive.all()


def reader_study(
    readers: Sequence[str],
    calls: ArrayLike,
    targets: ArrayLike,
    patients: ArrayLike,
    labels: Sequence[str],
    members: Mapping[str, ArrayLike],
    min_patients: int = MIN_POSITIVE_PATIENTS,
    min_cells: int = MIN_CELLS,
) -> ReaderStudy:
    """Points of all readers, and which of them each network reaches.

    Args:
        readers: R names.
        calls: (R, N, K): 1, 0, or NaN where the reader did not judge; see `cxrkd.data.reading.readings`.
        targets: (N, K): 1, 0, or NaN unknown.
        patients: (N,), the unit of the intervals.
        labels: K names.
        members: name -> logits (N, K), or (S, N, K) of S seeds; a column of NaN is a label never taught.
        min_patients: with fewer positive patients among a reader's films a finding has no figures.
        min_cells: see `reference_readers`.

    Raises:
        DataError: shapes do not fit, logits are NaN, or targets or calls are not 0, 1 or NaN.
    """
    cases, judged = as_cases(targets, patients, labels), np.asarray(calls, dtype=np.float64)
    if judged.shape != (len(readers), *cases.targets.shape):
        raise DataError(
            f"expected calls of shape ({len(readers)} readers, {len(cases.targets)} films, {len(labels)} findings), "
            f"got {judged.shape}"
        )
    if not np.isin(judged[~np.isnan(judged)], (0.0, 1.0)).all():
        raise DataError("calls must be 1 (present), 0 (absent) or NaN (not judged); other values came")
    makers = reference_readers(judged, cases.targets, min_cells)
    read = {(k, r): _films(cases, judged[r], k) for k in range(len(labels)) for r in range(len(readers))}
    points = tuple(_point(readers[r], labels[k], films, r in makers, min_patients) for (k, r), films in read.items())
    reach = tuple(
        _member(name, as_seeds(logits, cases.targets.shape), read, points) for name, logits in members.items()
    )
    n = int((~np.isnan(judged) & ~np.isnan(cases.targets)).any(axis=(0, 2)).sum())
    marks = tuple(r in makers for r in range(len(readers)))
    return ReaderStudy(tuple(map(str, readers)), marks, tuple(labels), points, reach, n)


def _films(cases: Cases, calls: np.ndarray, k: int) -> _Read:
    rows = np.flatnonzero(~np.isnan(calls[:, k]) & ~np.isnan(cases.targets[:, k]))
    names, who = np.unique(cases.row_of[rows], return_inverse=True)
    return _Read(rows, cases.targets[rows, k] > 0.5, calls[rows, k] > 0.5, who, len(names))


def _point(reader: str, label: str, read: _Read, in_reference: bool, min_patients: int) -> ReaderPoint:
    evaluable = read.enough(min_patients)
    return ReaderPoint(
        reader=str(reader),
        label=label,
        n=len(read.rows),
        n_pos=int(read.positive.sum()),
        n_pos_patients=read.n_pos_patients,
        **(_rates(read) if evaluable else dict.fromkeys(RATES, math.nan)),
        in_reference=in_reference,
        evaluable=evaluable,
    )


def _rates(read: _Read) -> dict[str, float]:
    """Sensitivity and specificity of a reader with their intervals."""
    hits = (read.called & read.positive, read.positive), (~read.called & ~read.positive, ~read.positive)
    figures = [rate_figure(hit[None, side], read.who[side], read.n_patients) for hit, side in hits]
    return dict(zip(RATES, (v for f in figures for v in (f.value, *rate_interval(f))), strict=True))


def _member(
    name: str, logits: np.ndarray, read: Mapping[tuple[int, int], _Read], points: Sequence[ReaderPoint]
) -> MemberReach:
    taught = has_answer(logits)
    rows = tuple(
        _reach(point, logits[:, films.rows, k], films, taught=bool(taught[k]))
        for point, ((k, _), films) in zip(points, read.items(), strict=True)
    )
    counted = [row for row in rows if row.counted]
    return MemberReach(name, rows, sum(row.reached for row in counted), len(counted))


def _reach(point: ReaderPoint, scores: np.ndarray, read: _Read, *, taught: bool) -> ReaderReach:
    """One network, scores (S, n) on the films of one point."""
    if not (point.evaluable and taught):
        nothing = dict.fromkeys(("sensitivity", "diff", "low", "high"), math.nan)
        return ReaderReach(point.reader, point.label, **nothing, reached=False, word="",
                           in_reference=point.in_reference, counted=False)  # fmt: skip
    each = np.array([sensitivity_at(one, read.positive, read.called, np.ones((1, len(one))))[0] for one in scores])
    diff = float(each.mean() - point.sensitivity)
    diff = 0.0 if abs(diff) < 1e-12 else diff  # means of equal quotients may differ in the last digit
    low, high = _interval(diff, each, scores, read)
    word = ABOVE if low > 0 else BELOW if high < 0 else WITHIN_CHANCE
    return ReaderReach(
        point.reader,
        point.label,
        sensitivity=float(each.mean()),
        diff=diff,
        low=low,
        high=high,
        reached=diff >= 0,
        word="" if math.isnan(low) else word,
        in_reference=point.in_reference,
        counted=not point.in_reference,
    )


def _interval(diff: float, each: np.ndarray, scores: np.ndarray, read: _Read) -> tuple[float, float]:
    """95 % interval of a difference of sensitivities, over draws of patients.

    The height of a ROC curve at one rate hangs on a quantile of the negatives, which jumps as patients leave: the
    scatter is that over draws with replacement. Two pairs of patients, of whom one side finds one each, are added to
    its variance (Agresti and Min, Statistics in Medicine 2005), without which 15 positive patients of a finding that
    both sides nearly always find give intervals that hold the truth in 85 % of cohorts.
    """
    times = draw_patients(read.n_patients, N_BOOT, seed=0)[read.who].T
    network = np.mean([sensitivity_at(one, read.positive, read.called, times) for one in scores], axis=0)
    drawn = network - sensitivity_of(read.called, read.positive, times)
    weight = rarer_weight(read.positive, read.who, read.n_patients)
    figure = Figure(diff, np.empty(0), weight, trainings=(each,))
    return drawn_interval(diff, drawn, figure, floor=1 / (figure.df + 3) ** 2)
