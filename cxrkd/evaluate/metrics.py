"""All figures of one model on one set of images, per label and as macro mean, with intervals by patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from cxrkd.errors import DataError
from cxrkd.evaluate.calibration import brier_score, expected_calibration_error
from cxrkd.evaluate.inputs import MIN_POSITIVE_PATIENTS, Cases, as_cases, as_seeds, has_answer
from cxrkd.evaluate.jackknife import rate_interval
from cxrkd.evaluate.leaving import Aurocs, label_aurocs, rate_figure
from cxrkd.evaluate.ranking import average_precision
from cxrkd.evaluate.record import Record
from cxrkd.evaluate.thresholds import f1_score


@dataclass(frozen=True)
class LabelMetrics(Record):
    """Figures of one label; means over seeds where there are several.

    `evaluable` is False with fewer than `min_patients` positive patients, no negative ("not enough cases"), or for a
    label that the model was never taught: then every figure but the counts and the threshold is NaN. `n_pos` and
    `n_neg` count images, `n_pos_patients` the patients of the positive ones. `threshold` is a probability, that of the
    first seed. `_low` and `_high` are 95 % intervals.
    """

    label: str
    n_pos: int
    n_pos_patients: int
    n_neg: int
    auroc: float
    auroc_low: float
    auroc_high: float
    ap: float
    threshold: float
    sensitivity: float
    sensitivity_low: float
    sensitivity_high: float
    specificity: float
    specificity_low: float
    specificity_high: float
    f1: float
    ece: float
    brier: float
    evaluable: bool


@dataclass(frozen=True)
class ModelMetrics(Record):
    """Figures of one model. Macro figures are plain means over the evaluable labels, NaN when there is none.

    Attributes:
        labels: one entry a label, in the order given.
        macro_auroc: mean over the `n_labels` evaluable labels, with `macro_low`, `macro_high`, its 95 % interval. Of
            one seed it holds which patients were met; of several also how trainings scatter.
        seed_macro_auroc: macro AUROC of each seed; their mean is `macro_auroc`.
        macro_ap: mean average precision.
        ece: mean over labels of each label's expected calibration error, 15 equal-width bins.
        brier: mean over labels of the Brier score.
        n: images.
        n_patients: distinct patients.
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

    @property
    def n_labels(self) -> int:
        """Number of labels that the means are over."""
        return sum(row.evaluable for row in self.labels)


def evaluate(
    logits: ArrayLike,
    targets: ArrayLike,
    patients: ArrayLike,
    labels: Sequence[str],
    thresholds: ArrayLike | None = None,
    min_patients: int = MIN_POSITIVE_PATIENTS,
) -> ModelMetrics:
    """Figures of a model on N images.

    Args:
        logits: (N, K), or (R, N, K) for R seeds: then each figure is the mean over seeds, and its interval holds the
            scatter between trainings too. A column of NaN is a label that the model was never taught.
        targets: (N, K): 1, 0, or NaN unknown.
        patients: (N,), the unit of the intervals.
        labels: K names.
        thresholds: probabilities (K,) or (R, K) from `best_thresholds` on validation images. None leaves
            sensitivity, specificity and F1 NaN: a threshold tuned on the same images would flatter.
        min_patients: with fewer positive patients a label is not evaluable.

    Raises:
        DataError: shapes do not fit, logits are NaN, or targets are not 0, 1 or NaN.
    """
    cases = as_cases(targets, patients, labels)
    values = as_seeds(logits, cases.targets.shape)
    cuts = _thresholds(thresholds, len(values), len(labels))
    aurocs = label_aurocs(values, cases, cases.evaluable(min_patients) & has_answer(values))
    rows = tuple(_label_metrics(cases, k, values[:, :, k], cuts[:, k], aurocs) for k in range(len(labels)))
    macro = aurocs.macro()
    low, high = rate_interval(macro)
    return ModelMetrics(
        labels=rows,
        macro_auroc=macro.value,
        macro_low=low,
        macro_high=high,
        seed_macro_auroc=tuple(macro.trainings[0].tolist()),
        macro_ap=_mean([row.ap for row in rows if row.evaluable]),
        ece=_mean([row.ece for row in rows if row.evaluable]),
        brier=_mean([row.brier for row in rows if row.evaluable]),
        n=len(cases.targets),
        n_patients=cases.n_patients,
    )


def _label_metrics(cases: Cases, k: int, logits: np.ndarray, cuts: np.ndarray, aurocs: Aurocs) -> LabelMetrics:
    rows, positive, evaluable = cases.known(k), cases.positive(k), bool(aurocs.evaluable[k])
    names = FIGURES + RATES
    figures = _figures(cases, k, logits[:, rows], cuts) if evaluable else dict.fromkeys(names, math.nan)
    low, high = rate_interval(aurocs.label(k))
    return LabelMetrics(
        label=cases.labels[k],
        n_pos=int(positive.sum()),
        n_pos_patients=cases.positive_patients(k),
        n_neg=int((~positive).sum()),
        auroc=float(aurocs.values[k].mean()),
        auroc_low=low,
        auroc_high=high,
        threshold=float(cuts[0]),
        evaluable=evaluable,
        **figures,
    )


FIGURES = ("ap", "f1", "ece", "brier")
RATES = tuple(f"{rate}{end}" for rate in ("sensitivity", "specificity") for end in ("", "_low", "_high"))


def _figures(cases: Cases, k: int, logits: np.ndarray, cuts: np.ndarray) -> dict[str, float]:
    positive, probs = cases.positive(k), expit(logits)
    per_seed = {
        "ap": [average_precision(z, positive) for z in logits],
        "f1": [f1_score(p, positive, float(cut)) for p, cut in zip(probs, cuts, strict=True)],
        "ece": [expected_calibration_error(p, positive) for p in probs],
        "brier": [brier_score(p, positive) for p in probs],
    }
    means = {name: float(np.mean(values)) for name, values in per_seed.items()}
    return means | _rates(cases, k, probs >= cuts[:, None], bool(np.isnan(cuts).any()))


def _rates(cases: Cases, k: int, called: np.ndarray, unjudged: bool) -> dict[str, float]:
    """Sensitivity and specificity with intervals, of bool (R, n); NaN where a seed has no threshold."""
    if unjudged:
        return dict.fromkeys(RATES, math.nan)
    who, positive = cases.row_of[cases.known(k)], cases.positive(k)
    sides = (called[:, positive], who[positive]), (~called[:, ~positive], who[~positive])
    figures = [rate_figure(hits, patients, cases.n_patients) for hits, patients in sides]
    return dict(zip(RATES, (v for f in figures for v in (f.value, *rate_interval(f))), strict=True))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _thresholds(thresholds: ArrayLike | None, n_seeds: int, n_labels: int) -> np.ndarray:
    if thresholds is None:
        return np.full((n_seeds, n_labels), math.nan)
    values = np.asarray(thresholds, dtype=np.float64)
    if values.shape not in ((n_labels,), (n_seeds, n_labels)):
        raise DataError(f"expected thresholds of shape ({n_labels},) or ({n_seeds}, {n_labels}), got {values.shape}")
    return np.broadcast_to(values, (n_seeds, n_labels))
