"""Backend objects -> what charts and tables take: intervals, curves, data frames, and numbers as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath

import numpy as np
import pandas as pd
from pandas.api.typing import NaTType

from cxrkd.config import MEMBER_NAMES, MEMBERS, Member, RunConfig
from cxrkd.config.differing import differing
from cxrkd.dashboard.charts.quality import Curve, Interval
from cxrkd.dashboard.settings import setting_title
from cxrkd.errors import CxrkdError
from cxrkd.evaluate import (
    MIN_POSITIVE_PATIENTS,
    LabelMetrics,
    ModelMetrics,
    PairedDifference,
    pr_curve,
    reliability,
    roc_curve,
)
from cxrkd.labels import display_name
from cxrkd.models.network import network_title
from cxrkd.runs import Run
from cxrkd.runs.metrics import MemberMetrics, RunMetrics
from cxrkd.runs.predictions import Predictions
from cxrkd.text import duration, interval, mean_of, minus, number

NO_ANATOMY = "No anatomy"
GAIN = "Distilled − alone"
NETWORKS_OF = ("teacher_arch", "student_arch")
"""Settings that name networks."""


def with_interval(value: float, low: float, high: float, *, digits: int = 3, sign: bool = False) -> str:
    """`0.912 (0.901 to 0.923)`; says so where the value is undefined.

    >>> with_interval(0.0123, 0.004, 0.02, sign=True)
    '+0.012 (+0.004 to +0.020)'
    """
    return minus(interval(value, low, high, digits=digits, sign=sign))


def without_missing(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every None, NaN and empty text missing in one way, which the page draws as a dash."""
    mixed = table.select_dtypes(["object", "string"]).columns
    cleaned = {name: table[name].replace("", None).convert_dtypes() for name in mixed}
    return table.assign(**cleaned)


def macro_interval(model: ModelMetrics) -> Interval:
    """Macro AUROC with its interval."""
    return Interval(model.macro_auroc, model.macro_low, model.macro_high)


def label_intervals(model: ModelMetrics) -> list[Interval]:
    """AUROC of each label with its interval."""
    return [Interval(row.auroc, row.auroc_low, row.auroc_high) for row in model.labels]


def difference_intervals(difference: PairedDifference) -> list[Interval]:
    """Paired difference of each label with its interval."""
    return [Interval(row.diff, row.low, row.high) for row in difference.labels]


def evaluable(metrics: RunMetrics) -> list[str]:
    """Labels that count in the mean of at least one member, in order."""
    rows = zip(*(member_metrics.over_seeds.labels for member_metrics in metrics.members.values()), strict=True)
    return [row[0].label for row in rows if any(one.evaluable for one in row)]


def left_out(metrics: RunMetrics) -> str:
    """Which findings stay out of every mean, and why, as a sentence; empty where all count."""
    out = [display_name(label).lower() for label in metrics.labels if label not in evaluable(metrics)]
    if not out:
        return ""
    why = f"for fewer than {MIN_POSITIVE_PATIENTS} positive test patients or no negative one"
    return f"Not counted, {why}: {', '.join(out)}."


def mean_auroc(metrics: RunMetrics) -> str:
    """What the headline of a run is called: `AUROC, mean of 5 findings`."""
    return f"AUROC, {mean_of(len(evaluable(metrics)))}"


def auroc_table(metrics: RunMetrics) -> pd.DataFrame:
    """One row a label and a last one for the macro mean; positives, AUROC with interval per member, gain. All seeds."""
    rows = []
    for k, label in enumerate(metrics.labels):
        row: dict[str, object] = {"Label": display_name(label)}
        for member, member_metrics in metrics.members.items():
            figures = member_metrics.over_seeds.labels[k]
            row |= {"Positive films": figures.n_pos, "Positive patients": figures.n_pos_patients}
            row[MEMBER_NAMES[member]] = auroc_text(figures)
        if metrics.trivial is not None:
            row[NO_ANATOMY] = auroc_text(metrics.trivial.labels[k])
        if metrics.gain is not None:
            gain = metrics.gain.labels[k]
            row[GAIN] = with_interval(gain.diff, gain.low, gain.high, sign=True)
        rows.append(row)
    return pd.DataFrame([*rows, _macro_row(metrics)])


def _macro_row(metrics: RunMetrics) -> dict[str, object]:
    row: dict[str, object] = {"Label": mean_of(len(evaluable(metrics))).capitalize()}
    row |= {
        MEMBER_NAMES[member]: macro_text(member_metrics.over_seeds)
        for member, member_metrics in metrics.members.items()
    }
    if metrics.trivial is not None:
        row[NO_ANATOMY] = macro_text(metrics.trivial)
    if metrics.gain is not None:
        gain = metrics.gain
        row[GAIN] = with_interval(gain.macro_diff, gain.macro_low, gain.macro_high, sign=True)
    return row


def auroc_text(row: LabelMetrics) -> str:
    """AUROC of one label with its interval."""
    return with_interval(row.auroc, row.auroc_low, row.auroc_high)


def macro_text(model: ModelMetrics) -> str:
    """Macro AUROC with its interval."""
    return with_interval(model.macro_auroc, model.macro_low, model.macro_high)


def metrics_csv(metrics: RunMetrics) -> bytes:
    """Every figure of every label, of members (mean over seeds, and first seed) and of the model without anatomy."""
    rows = [
        {"member": member, "arch": member_metrics.arch, "seeds": seeds, **row.to_dict()}
        for member, member_metrics in metrics.members.items()
        for seeds, model in _models(member_metrics).items()
        for row in model.labels
    ]
    plain = metrics.trivial.labels if metrics.trivial else ()
    rows += [{"member": "trivial", "arch": "power spectrum and thumbnail", **row.to_dict()} for row in plain]
    return csv(pd.DataFrame(rows))


def _models(member_metrics: MemberMetrics) -> dict[str, ModelMetrics]:
    """The seeds whose mean the figures are -> the figures; one entry where there is one seed."""
    return {
        str(member_metrics.seeds[0]): member_metrics.model,
        " ".join(map(str, member_metrics.seeds)): member_metrics.over_seeds,
    }


def csv(table: pd.DataFrame) -> bytes:
    """UTF-8 with a byte-order mark, which spreadsheets need to read a minus sign."""
    return table.to_csv(index=False).encode("utf-8-sig")


def operating_points(metrics: RunMetrics, member: Member) -> pd.DataFrame:
    """Threshold, sensitivity and specificity of each label with their intervals, F1 and average precision."""
    member_metrics = metrics.of(member)
    return pd.DataFrame(
        [
            {
                "Label": display_name(row.label),
                "Threshold": _judged(
                    member_metrics.thresholds[k], member_metrics.thresholds_low[k], member_metrics.thresholds_high[k]
                ),
                "Sensitivity": _judged(row.sensitivity, row.sensitivity_low, row.sensitivity_high),
                "Specificity": _judged(row.specificity, row.specificity_low, row.specificity_high),
                "F1": row.f1,
                "Average precision": row.ap,
            }
            for k, row in enumerate(member_metrics.model.labels)
        ]
    )


def _judged(value: float, low: float, high: float) -> str | None:
    return None if math.isnan(value) else with_interval(value, low, high)


def roc_curves(predictions: Mapping[Member, Predictions], k: int) -> dict[str, Curve]:
    """ROC of label k for each member, first seed."""
    curves = {}
    for member, member_predictions in predictions.items():
        curve = roc_curve(member_predictions.logits[0][:, k], member_predictions.targets[:, k])
        curves[str(member)] = Curve(curve.fpr, curve.tpr, number(curve.auroc))
    return curves


def pr_curves(predictions: Mapping[Member, Predictions], k: int) -> tuple[dict[str, Curve], float]:
    """Precision-recall of label k for each member, first seed, and the prevalence."""
    curves, prevalence = {}, math.nan
    for member, member_predictions in predictions.items():
        curve = pr_curve(member_predictions.logits[0][:, k], member_predictions.targets[:, k])
        curves[str(member)], prevalence = Curve(curve.recall, curve.precision, number(curve.ap)), curve.prevalence
    return curves, prevalence


def reliability_curves(predictions: Mapping[Member, Predictions], columns: Sequence[int]) -> dict[str, Curve]:
    """Reliability of the labels at `columns`, pooled where they are several, for each member, first seed."""
    curves = {}
    for member, member_predictions in predictions.items():
        curve = reliability(member_predictions.logits[0][:, columns], member_predictions.targets[:, columns])
        curves[str(member)] = Curve(curve.predicted, curve.observed)
    return curves


def calibration(model: ModelMetrics, label: str | None) -> tuple[float, float]:
    """ECE and Brier score of one label, or their means over the labels that count."""
    if label is None:
        return model.ece, model.brier
    row = next(row for row in model.labels if row.label == label)
    return row.ece, row.brier


def prevalence(labels: Sequence[str], targets: np.ndarray, split: np.ndarray) -> dict[str, np.ndarray]:
    """Positives (K,) of each split that has images."""
    return {
        name: np.nansum(targets[split == name], axis=0) for name in ("train", "val", "test") if (split == name).any()
    }


def config_differences(by_title: Mapping[str, RunConfig]) -> pd.DataFrame:
    """Settings in which runs differ, by their titles, a column a run; the runs' names are left out.

    Args:
        by_title: what each run was asked for, by what stands over its column.
    """
    configs = list(by_title.values())
    kinds = [config.data.kind for config in configs]
    rows = []
    for key, values in differing(configs).items():
        kind = next(kind for kind, value in zip(kinds, values, strict=True) if value is not None)
        row: dict[str, str | None] = {"Setting": setting_title(key, kind)}
        if key == "data.folder":  # where it lies on the machine that runs this is not for every visitor
            values = tuple(value and PurePath(value).name for value in values)
        if key in NETWORKS_OF:
            values = tuple(value and network_title(str(value)) for value in values)
        if key == "student_size":  # 0 stands for as many as the images have
            values = tuple(config.student_works_at for config in configs)
        rows.append(row | dict(zip(by_title, map(_setting, values), strict=True)))
    return pd.DataFrame(rows)


def _setting(value: object) -> str | None:
    """A setting's value as people write it; None where it is not set, or where the run has no such setting."""
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: None}[value]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def runs_table(runs: Sequence[Run], read: Callable[[Run], RunMetrics]) -> pd.DataFrame:
    """One row a run: where it stands, what it distils, and how good its members became.

    Args:
        runs: any runs; one whose files cannot be read is listed as unreadable, so that it can be deleted.
        read: gives the figures of a finished run.
    """
    return pd.DataFrame([_run_row(run, read) for run in runs])


def local_time(seconds: float | None) -> pd.Timestamp | NaTType:
    """When something was, by the clock of this machine, as Watch and the command line tell it."""
    return pd.Timestamp.fromtimestamp(seconds) if seconds else pd.NaT


def _run_row(run: Run, read: Callable[[Run], RunMetrics]) -> dict[str, object]:
    state = run.state
    ended = state.finished or state.started
    row: dict[str, object] = {
        "Run": run.id,
        "Status": state.status,
        "Took": duration(state.seconds) if state.seconds is not None else None,
        "When": local_time(ended),
    }
    try:
        return row | _run_details(run, read)
    except CxrkdError:
        return row | {"Status": "unreadable"}


def _run_details(run: Run, read: Callable[[Run], RunMetrics]) -> dict[str, object]:
    members = read(run).members if run.state.status == "done" else {}
    config = run.config
    return {
        "From": network_title(config.teacher_arch),
        "To": network_title(config.student_arch),
        "Patients": getattr(config.data, "n_patients", None),
        "Pixels": config.data.image_size,
        **{MEMBER_NAMES[m]: members[m].over_seeds.macro_auroc if m in members else None for m in MEMBERS},
    }


def best_student(members: Iterable[Member]) -> Member:
    """The distilled student, or the student alone where none was distilled."""
    present = set(members)
    return "distilled" if "distilled" in present else "alone"
