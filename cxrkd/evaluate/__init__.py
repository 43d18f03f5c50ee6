"""How good a model is: AUROC with intervals, thresholds, calibration, curves, and the difference of two models."""

from cxrkd.evaluate.bootstrap import Draws, auroc_draws, draw_patients
from cxrkd.evaluate.calibration import Reliability, brier_score, expected_calibration_error, reliability
from cxrkd.evaluate.curves import PrCurve, RocCurve, pr_curve, roc_curve
from cxrkd.evaluate.metrics import MIN_POSITIVES, LabelMetrics, ModelMetrics, evaluate
from cxrkd.evaluate.paired import LabelDifference, PairedDifference, paired_difference
from cxrkd.evaluate.ranking import auroc, average_precision
from cxrkd.evaluate.thresholds import best_thresholds

__all__ = [
    "MIN_POSITIVES",
    "Draws",
    "LabelDifference",
    "LabelMetrics",
    "ModelMetrics",
    "PairedDifference",
    "PrCurve",
    "Reliability",
    "RocCurve",
    "auroc",
    "auroc_draws",
    "average_precision",
    "best_thresholds",
    "brier_score",
    "draw_patients",
    "evaluate",
    "expected_calibration_error",
    "paired_difference",
    "pr_curve",
    "reliability",
    "roc_curve",
]
