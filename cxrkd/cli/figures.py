"""Figures of a run, or of a validation, as tables for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cxrkd.cli.output import table
from cxrkd.text import MISSING, interval, number, over_findings, percent_interval

if TYPE_CHECKING:
    from cxrkd.evaluate import ModelMetrics, PairedDifference
    from cxrkd.runs.metrics import MemberMetrics, RunMetrics


def seeds_text(seeds: tuple[int, ...]) -> str:
    """Seeds, side by side."""
    return " ".join(map(str, seeds))


def auroc_table(metrics: RunMetrics) -> list[str]:
    """A row a finding: AUROC of each member with its interval, and the gain; means in the last row."""
    members = [member.over_seeds for member in metrics.members.values()]
    rows = [_label_row(metrics, k) for k in range(len(metrics.labels))]
    macro = [macro_auroc(model) for model in members]
    gain = [interval(*macro_difference(metrics.gain), sign=True)] if metrics.gain else []
    head = ["label", "positives", "patients", *metrics.members, *(["distilled - alone"] if metrics.gain else [])]
    return table(head, [*rows, [f"mean {over_findings(members[0].n_labels)}", "", "", *macro, *gain]])


def macro_auroc(model: ModelMetrics) -> str:
    """Mean AUROC over the findings that count, with its interval."""
    return interval(model.macro_auroc, model.macro_low, model.macro_high)


def _label_row(metrics: RunMetrics, k: int) -> list[str]:
    figures = [member.over_seeds.labels[k] for member in metrics.members.values()]
    cells = [interval(f.auroc, f.auroc_low, f.auroc_high) for f in figures]
    row = [metrics.labels[k], str(figures[0].n_pos), str(figures[0].n_pos_patients), *cells]
    if metrics.gain:
        gain = metrics.gain.labels[k]
        row.append(interval(gain.diff, gain.low, gain.high, sign=True))
    return row


def quality_table(metrics: RunMetrics) -> list[str]:
    """A row a member: means of average precision, calibration error and Brier score, and AUROC of each seed."""
    rows = [
        [
            f"{name}, {over_findings(member.over_seeds.n_labels)}",
            number(member.over_seeds.macro_ap),
            number(member.over_seeds.ece),
            number(member.over_seeds.brier),
            " ".join(number(value, 4) for value in member.over_seeds.seed_macro_auroc),
        ]
        for name, member in metrics.members.items()
    ]
    return table(["mean of each finding's", "AP", "ECE", "Brier", "macro AUROC of each seed"], rows)


def threshold_table(metrics: RunMetrics) -> list[str]:
    """Of the network whose weights are kept: where each finding is called, and what that gets right on test."""
    from cxrkd.evaluate import MIN_THRESHOLD_PATIENTS

    rows, left_out = [], []
    for k, label in enumerate(metrics.labels):
        cells = {name: _point(member, k) for name, member in metrics.members.items()}
        rows += [[f"{label}, {name}", *cell] for name, cell in cells.items() if cell]
        left_out += [] if any(cells.values()) else [label]
    head = ["first seed", "threshold from validation", "sensitivity", "specificity"]
    why = f"fewer than {MIN_THRESHOLD_PATIENTS} positive patients in validation, or never taught"
    unjudged = [f"Not judged ({why}): {', '.join(left_out)}"] if left_out else []
    return [*(table(head, rows) if rows else []), *unjudged]


def _point(member: MemberMetrics, k: int) -> list[str]:
    """Threshold, sensitivity and specificity of one label, nothing where it is not judged."""
    if math.isnan(member.thresholds[k]):
        return []
    row = member.model.labels[k]
    return [
        interval(member.thresholds[k], member.thresholds_low[k], member.thresholds_high[k]),
        interval(row.sensitivity, row.sensitivity_low, row.sensitivity_high),
        interval(row.specificity, row.specificity_low, row.specificity_high),
    ]


def macro_difference(difference: PairedDifference) -> tuple[float, float, float]:
    """The mean difference, and its interval."""
    return difference.macro_diff, difference.macro_low, difference.macro_high


def differences(metrics: RunMetrics) -> list[str]:
    """What distillation gained, what was kept of the teacher, and what is above a model without anatomy: sentences."""
    from cxrkd.evaluate.wording import gain_verdict

    lines = []
    if metrics.gain:
        gain, over = interval(*macro_difference(metrics.gain), sign=True), over_findings(metrics.gain.n_labels)
        lines.append(f"distilled - alone, paired, {over}: {gain}. {gain_verdict(metrics.gain)}")
    if metrics.gap:
        gap = metrics.gap
        lines += [
            f"distilled - teacher, paired, {over_findings(gap.n_labels)}: "
            f"{interval(*macro_difference(gap), sign=True)}",
            f"kept of the teacher's AUROC: {percent_interval(gap.ratio, gap.ratio_low, gap.ratio_high)}; "
            f"of its skill, (AUROC - 0.5) / (teacher - 0.5): {_skill(gap)}",
        ]
    return lines + _above_trivial(metrics)


def _above_trivial(metrics: RunMetrics) -> list[str]:
    """A network is worth what it has above a model that knows no anatomy."""
    if metrics.trivial is None or metrics.above is None:
        return []
    over = over_findings(metrics.above.n_labels)
    return [
        f"no anatomy (power spectrum and 16 x 16 thumbnail), {over_findings(metrics.trivial.n_labels)}: "
        f"{macro_auroc(metrics.trivial)}; distilled above it, paired, {over}: "
        f"{interval(*macro_difference(metrics.above), sign=True)}"
    ]


def _skill(gap: PairedDifference) -> str:
    if math.isnan(gap.skill) and not math.isnan(gap.ratio):
        return f"{MISSING} (the teacher's own interval reaches down to 0.5)"
    return percent_interval(gap.skill, gap.skill_low, gap.skill_high)
