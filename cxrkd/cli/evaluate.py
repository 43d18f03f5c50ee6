"""`evaluate`: every figure of a run again, from its kept predictions."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli import stress
from cxrkd.cli.names import find_labels
from cxrkd.cli.output import Report, table
from cxrkd.text import MISSING, interval, number, over_findings, percent_interval

if TYPE_CHECKING:
    from cxrkd.evaluate import ModelMetrics, PairedDifference
    from cxrkd.runs import Run
    from cxrkd.runs.metrics import MemberMetrics, RunMetrics
    from cxrkd.runs.predictions import HeldOut


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "evaluate",
        parents=[common],
        help="AUROC per label with intervals, and what distillation gained",
        description="Computes a run's figures again from its stored predictions on the test patients, and says whether "
        "they are those stored with the run. Thresholds are chosen on the validation patients.",
    )
    verb.add_argument("run", nargs="?", metavar="RUN", help="id or folder (default: the first finished run)")
    verb.add_argument("--curves", action="store_true", help="with --json: ROC, PR and reliability curves, first seed")
    verb.add_argument(
        "--labels",
        action="append",
        metavar="A,B",
        help="only these, also in means (default: all); repeatable; a label that holds a comma stands in double quotes",
    )
    verb.add_argument("--by", metavar="COLUMN", help="also within each group of images: view, or a column of --table")
    verb.add_argument("--write", action="store_true", help="store the figures with the run, over all labels and images")
    verb.add_argument(
        "--table", type=Path, metavar="CSV", help="with --by: image in the first column, groups in others"
    )
    stress.add_options(verb)
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Recompute and compare with what is stored; with --stress, ask again about degraded films."""
    from cxrkd.checksums import relist
    from cxrkd.jobs.files import write_json
    from cxrkd.runs.choosing import choose_run
    from cxrkd.runs.metrics import measure
    from cxrkd.runs.run import METRICS

    stress.refuse_alone(args)
    run = choose_run(args.run)
    if args.stress:
        stress.refuse_beside(args)
        return stress.call(run, args.folder)
    labels = find_labels(run.labels, args.labels or ()) or None
    held_out, archs = run.held_out(), run.archs()
    whole = measure(held_out, archs)
    metrics = measure(held_out.of(labels), archs) if labels else whole
    if args.write:
        write_json(run.path / METRICS, whole.to_dict())
        relist(run.path / METRICS)
    same = equals_stored(run, whole)
    document = {"run": run.id, "synthetic": run.config.data.kind == "phantom", **metrics.to_dict()}
    document["equals_stored"] = same
    if args.curves:
        document["curves"] = _curves(held_out, metrics)
    groups = _groups(run, args, labels)
    if groups:
        document["groups"] = {name: figures.to_dict() for name, figures in groups.items()}
    return Report(document, [*_lines(run, metrics, same), *_group_table(groups, args.by)])


def _groups(run: Run, args: argparse.Namespace, labels: list[str] | None) -> dict[str, RunMetrics]:
    """The figures within each group, none where no groups are asked for."""
    from cxrkd.errors import ConfigError
    from cxrkd.runs.groups import image_groups, measure_groups

    if args.by is None:
        if args.table is not None:
            raise ConfigError("--table says which groups there are; say which of its columns to use with --by COLUMN.")
        return {}
    return measure_groups(run, image_groups(run, args.by, args.table), labels)


def _group_table(groups: dict[str, RunMetrics], by: str | None) -> list[str]:
    """A row a group: macro AUROC over the labels that have enough positive patients within it."""
    if not groups:
        return []
    rows, several = [], any(metrics.gain for metrics in groups.values())
    for name, metrics in groups.items():
        members = [member.over_seeds for member in metrics.members.values()]
        cells = [_macro_auroc(model) for model in members]
        gain = [interval(*_macro(metrics.gain), sign=True)] if metrics.gain else []
        plain = [_macro_auroc(metrics.trivial)] if metrics.trivial else []
        rows.append([name, str(members[0].n), str(members[0].n_labels), *cells, *gain, *plain])
    first = next(iter(groups.values()))
    no_anatomy = ["no anatomy"] if first.trivial else []
    head = [str(by), "images", "findings", *first.members, *(["distilled - alone"] if several else []), *no_anatomy]
    return ["", f"Macro AUROC within each {by}, over the findings with enough cases there:", *table(head, rows)]


def equals_stored(run: Run, metrics: RunMetrics) -> bool | None:
    """Whether the figures stored with the run follow from its predictions; None when it stores none of this version."""
    from cxrkd.errors import RunError
    from cxrkd.runs.metrics import same_figures

    try:
        if not run.metrics_are_current():
            return None
        stored = run.metrics()
    except RunError:
        return None
    return same_figures(stored.to_dict(), metrics.to_dict())


def _curves(held_out: HeldOut, metrics: RunMetrics) -> dict[str, Any]:
    """Member -> label -> the three curves."""
    from cxrkd.evaluate import pr_curve, reliability, roc_curve

    curves: dict[str, Any] = {}
    for member in metrics.members:
        test = held_out.test[member]
        curves[member] = {
            label: {
                "roc": roc_curve(test.logits[0, :, k], test.targets[:, k]).to_dict(),
                "pr": pr_curve(test.logits[0, :, k], test.targets[:, k]).to_dict(),
                "reliability": reliability(test.logits[0, :, k], test.targets[:, k]).to_dict(),
            }
            for label, k in ((label, held_out.labels.index(label)) for label in metrics.labels)
        }
    return curves


def _lines(run: Run, metrics: RunMetrics, same: bool | None) -> list[str]:
    first = next(iter(metrics.members.values())).over_seeds
    kind = "phantom" if run.config.data.kind == "phantom" else "test"
    seeds = "; ".join(f"{name} {member.arch}, seeds {_seeds(member.seeds)}" for name, member in metrics.members.items())
    head = [
        f"{run.id}: AUROC on {first.n} {kind} images of {first.n_patients} held-out patients, mean over seeds, "
        "95 % interval over patients and, from two seeds on, over trainings",
        seeds,
        "",
    ]
    tables = [*_auroc_table(metrics), "", *_quality_table(metrics), "", *_threshold_table(metrics), ""]
    return [*head, *tables, *_differences(metrics), _stored(same)]


def _seeds(seeds: tuple[int, ...]) -> str:
    return " ".join(map(str, seeds))


def _auroc_table(metrics: RunMetrics) -> list[str]:
    members = [member.over_seeds for member in metrics.members.values()]
    rows = [_label_row(metrics, k) for k in range(len(metrics.labels))]
    macro = [_macro_auroc(model) for model in members]
    gain = [interval(*_macro(metrics.gain), sign=True)] if metrics.gain else []
    head = ["label", "positives", "patients", *metrics.members, *(["distilled - alone"] if metrics.gain else [])]
    return table(head, [*rows, [f"mean {over_findings(members[0].n_labels)}", "", "", *macro, *gain]])


def _macro_auroc(model: ModelMetrics) -> str:
    return interval(model.macro_auroc, model.macro_low, model.macro_high)


def _label_row(metrics: RunMetrics, k: int) -> list[str]:
    figures = [member.over_seeds.labels[k] for member in metrics.members.values()]
    cells = [interval(f.auroc, f.auroc_low, f.auroc_high) for f in figures]
    row = [metrics.labels[k], str(figures[0].n_pos), str(figures[0].n_pos_patients), *cells]
    if metrics.gain:
        gain = metrics.gain.labels[k]
        row.append(interval(gain.diff, gain.low, gain.high, sign=True))
    return row


def _quality_table(metrics: RunMetrics) -> list[str]:
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


def _threshold_table(metrics: RunMetrics) -> list[str]:
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


def _macro(difference: PairedDifference) -> tuple[float, float, float]:
    return difference.macro_diff, difference.macro_low, difference.macro_high


def _differences(metrics: RunMetrics) -> list[str]:
    from cxrkd.evaluate.wording import gain_verdict

    lines = []
    if metrics.gain:
        gain, over = interval(*_macro(metrics.gain), sign=True), over_findings(metrics.gain.n_labels)
        lines.append(f"distilled - alone, paired, {over}: {gain}. {gain_verdict(metrics.gain)}")
    if metrics.gap:
        gap = metrics.gap
        lines += [
            f"distilled - teacher, paired, {over_findings(gap.n_labels)}: {interval(*_macro(gap), sign=True)}",
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
        f"{_macro_auroc(metrics.trivial)}; distilled above it, paired, {over}: "
        f"{interval(*_macro(metrics.above), sign=True)}"
    ]


def _skill(gap: PairedDifference) -> str:
    if math.isnan(gap.skill) and not math.isnan(gap.ratio):
        return f"{MISSING} (the teacher's own interval reaches down to 0.5)"
    return percent_interval(gap.skill, gap.skill_low, gap.skill_high)


def _stored(same: bool | None) -> str:
    if same is None:
        return "The run stores no figures of this version; --write stores these."
    return "These are the figures stored with the run." if same else "WARNING: the run stores other figures than these."
