"""All figures of one model on one set of images, per label and as macro mean, with patient-bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from cxrkd.errors import DataError
from cxrkd.evaluate.bootstrap import draw_patients, interval, label_draws, macro
from cxrkd.evaluate.calibration import brier_score, expected_calibration_error
from cxrkd.evaluate.inputs import Cases, as_cases, as_seeds, has_answer
from cxrkd.evaluate.ranking import auroc, average_precision
from cxrkd.evaluate.record import Record
from cxrkd.evaluate.thresholds import operating_point

MIN_POSITIVES = 10


@dataclass(frozen=True)
class LabelMetrics(Record):
    """Figures of one label; means over seeds where there are several.

    `evaluable` is False with fewer than `min_positives` positives, no negative ("not enough cases"), or for a label
    that the model was never taught: then every figure but the counts and the threshold is NaN. `threshold` is a
    probability, that of the first seed.
    """

    label: str
    n_pos: int
    n_neg: int
    auroc: float
    auroc_low: float
    auroc_high: float
    ap: float
    threshold: float
    sensitivity: float
    specificity: float
    f1: float
    ece: float
    brier: float
    evaluable: bool


@dataclass(frozen=True)
class ModelMetrics(Record):
    """Figures of one model. Macro figures are plain means over the evaluable labels, NaN when there is none.

    Attributes:
        labels: one entry a label, in the order given.
        macro_auroc: with `macro_low`, `macro_high`, its 95 % patient-bootstrap interval.
        seed_macro_auroc: macro AUROC of each seed; their mean is `macro_auroc`.
        macro_ap: mean average precision.
        ece: mean over labels of the expected calibration error, 15 equal-width bins.
        brier: mean over labels of the Brier score.
        n: images.
        n_patients: distinct patients.
        n_boot: bootstrap draws behind the intervals.
    """

    labels: tuple[LabelMetrics, ...]
    macro_auroc: float
    macro_low: float
    macro_high: float
    seed_macro_auroc: tuple[float, ...]
    macro_ap: float
    ece: float
    brier: float
    n: int
    n_patients: int
    n_boot: int

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The metrics that `to_dict` wrote."""
        return super().from_dict(values | {"labels": [LabelMetrics.from_dict(v) for v in values["labels"]]})


def evaluate(
    logits: ArrayLike,
    targets: ArrayLike,
    patients: ArrayLike,
    labels: Sequence[str],
    thresholds: ArrayLike | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    min_positives: int = MIN_POSITIVES,
) -> ModelMetrics:
    """Figures of a model on N images.

    Args:
        logits: (N, K), or (R, N, K) for R seeds: then each figure is the mean over seeds, within each draw too. A
            column of NaN is a label that the model was never taught: it is not evaluable. The intervals hold the
            sampling of patients, not the scatter between trainings.
        targets: (N, K): 1, 0, or NaN unknown.
        patients: (N,), the unit of the bootstrap.
        labels: K names.
        thresholds: probabilities (K,) or (R, K) from `best_thresholds` on validation images. None leaves
            sensitivity, specificity and F1 NaN: a threshold tuned on the same images would flatter.
        n_boot: draws; 0 leaves the intervals NaN.
        seed: of the draws.
        min_positives: below this a label is not evaluable.

    Raises:
        DataError: shapes do not fit, logits are NaN, or targets are not 0, 1 or NaN.
    """
    cases = as_cases(targets, patients, labels)
    values = as_seeds(logits, cases.targets.shape)
    cuts = _thresholds(thresholds, len(values), len(labels))
    evaluable = cases.evaluable(min_positives) & has_answer(values)
    draws = draw_patients(cases.patients, n_boot, seed)
    sampled = label_draws(values, cases, draws, evaluable)
    per_seed = label_aurocs(values, cases, evaluable)
    rows = tuple(
        _label_metrics(cases, k, values[:, :, k], cuts[:, k], per_seed[k], sampled[k]) for k in range(len(labels))
    )
    low, high = interval(macro(sampled))
    return ModelMetrics(
        labels=rows,
        macro_auroc=float(macro(per_seed.mean(axis=1))),
        macro_low=low,
        macro_high=high,
        seed_macro_auroc=tuple(macro(per_seed).tolist()),
        macro_ap=_mean([row.ap for row in rows]),
        ece=_mean([row.ece for row in rows]),
        brier=_mean([row.brier for row in rows]),
        n=len(cases.targets),
        n_patients=len(draws.times),
        n_boot=n_boot,
    )


def label_aurocs(logits: np.ndarray, cases: Cases, evaluable: np.ndarray) -> np.ndarray:
    """AUROC (K, R) of logits (R, N, K); NaN where a label is not evaluable."""
    out = np.full((len(cases.labels), len(logits)), math.nan)
    for k in np.flatnonzero(evaluable).tolist():
        rows, positive = cases.known(k), cases.positive(k)
        out[k] = [auroc(scores, positive) for scores in logits[:, rows, k]]
    return out


def _label_metrics(
    cases: Cases, k: int, logits: np.ndarray, cuts: np.ndarray, aurocs: np.ndarray, sampled: np.ndarray
) -> LabelMetrics:
    rows, positive = cases.known(k), cases.positive(k)
    evaluable = not np.isnan(aurocs).any()
    figures = _figures(logits[:, rows], positive, cuts) if evaluable else dict.fromkeys(FIGURES, math.nan)
    low, high = interval(sampled)
    return LabelMetrics(
        label=cases.labels[k],
        n_pos=int(positive.sum()),
        n_neg=int((~positive).sum()),
        auroc=float(aurocs.mean()),
        auroc_low=low,
        auroc_high=high,
        threshold=float(cuts[0]),
        evaluable=evaluable,
        **figures,
    )


FIGURES = ("ap", "sensitivity", "specificity", "f1", "ece", "brier")


def _figures(logits: np.ndarray, positive: np.ndarray, cuts: np.ndarray) -> dict[str, float]:
    probs = expit(logits)
    points = [operating_point(p, positive, float(cut)) for p, cut in zip(probs, cuts, strict=True)]
    per_seed = {
        "ap": [average_precision(z, positive) for z in logits],
        "sensitivity": [p.sensitivity for p in points],
        "specificity": [p.specificity for p in points],
        "f1": [p.f1 for p in points],
        "ece": [expected_calibration_error(p, positive) for p in probs],
        "brier": [brier_score(p, positive) for p in probs],
    }
    return {name: float(np.mean(values)) for name, values in per_seed.items()}


def _mean(values: Sequence[float]) -> float:
    return float(macro(np.array(values, dtype=np.float64)))


def _thresholds(thresholds: ArrayLike | None, n_seeds: int, n_labels: int) -> np.ndarray:
    if thresholds is None:
        return np.full((n_seeds, n_labels), math.nan)
    values = np.asarray(thresholds, dtype=np.float64)
    if values.shape not in ((n_labels,), (n_seeds, n_labels)):
        raise DataError(f"expected thresholds of shape ({n_labels},) or ({n_seeds}, {n_labels}), got {values.shape}")
    return np.broadcast_to(values, (n_seeds, n_labels))
