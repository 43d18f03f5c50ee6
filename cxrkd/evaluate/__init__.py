"""How good a model is: AUROC with intervals, thresholds, calibration, curves, and the difference of two models."""

from cxrkd.evaluate.calibration import Reliability, brier_score, expected_calibration_error, reliability
from cxrkd.evaluate.curves import PrCurve, RocCurve, pr_curve, roc_curve
from cxrkd.evaluate.inputs import MIN_POSITIVE_PATIENTS
from cxrkd.evaluate.metrics import LabelMetrics, ModelMetrics, evaluate
from cxrkd.evaluate.paired import MIN_SEEDS, LabelDifference, PairedDifference, paired_difference
from cxrkd.evaluate.ranking import auroc, average_precision
from cxrkd.evaluate.thresholds import MIN_THRESHOLD_PATIENTS, best_thresholds, threshold_intervals

__all__ = [
    "MIN_POSITIVE_PATIENTS",
    "MIN_SEEDS",
    "MIN_THRESHOLD_PATIENTS",
    "LabelDifference",
    "LabelMetrics",
    "ModelMetrics",
    "PairedDifference",
    "PrCurve",
    "Reliability",
    "RocCurve",
    "auroc",
    "average_precision",
    "best_thresholds",
    "brier_score",
    "evaluate",
    "expected_calibration_error",
    "paired_difference",
    "pr_curve",
    "reliability",
    "roc_curve",
    "threshold_intervals",
]
