"""`evaluate`: every figure of a run again, from its kept predictions."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.names import find_labels
from cxrkd.cli.output import Report, interval, number, table

if TYPE_CHECKING:
    from cxrkd.evaluate import PairedDifference
    from cxrkd.runs import Run
    from cxrkd.runs.metrics import RunMetrics

TOLERANCE = 1e-9


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
    verb.add_argument(
        "--table", type=Path, metavar="CSV", help="with --by: image in the first column, groups in others"
    )
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Recompute and compare with what is stored."""
    from cxrkd.runs.answer import choose_run
    from cxrkd.runs.metrics import measure_run

    run = choose_run(args.run)
    labels = find_labels(run.labels, args.labels or ()) or None
    metrics = measure_run(run, labels=labels)
    same = equals_stored(run, measure_run(run) if labels else metrics)
    document = {"run": run.id, "synthetic": run.config.data.kind == "phantom", **metrics.to_dict()}
    document["equals_stored"] = same
    if args.curves:
        document["curves"] = _curves(run, metrics)
    groups = _groups(run, args, labels)
    if groups:
        document["groups"] = {name: found.to_dict() for name, found in groups.items()}
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
    """A row a group: macro AUROC over the labels that have ten positives within it."""
    if not groups:
        return []
    rows, several = [], any(metrics.gain for metrics in groups.values())
    for name, metrics in groups.items():
        members = [found.over_seeds for found in metrics.members.values()]
        counted = sum(label.evaluable for label in members[0].labels)
        cells = [interval(m.macro_auroc, m.macro_low, m.macro_high) for m in members]
        gain = [interval(*_macro(metrics.gain), sign=True)] if metrics.gain else []
        rows.append([name, str(members[0].n), str(counted), *cells, *gain])
    members_of = next(iter(groups.values())).members
    head = [str(by), "images", "labels", *members_of, *(["distilled - alone"] if several else [])]
    return ["", f"Macro AUROC within each {by}, over the labels that can be evaluated there:", *table(head, rows)]


def equals_stored(run: Run, metrics: RunMetrics) -> bool | None:
    """Whether the figures stored with the run follow from its predictions; None when it stores none."""
    from cxrkd.errors import RunError

    try:
        stored = run.metrics()
    except RunError:
        return None
    return _close(stored.to_dict(), metrics.to_dict())


def _close(a: Any, b: Any) -> bool:
    """Equal structure, and numbers equal up to rounding."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_close(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_close, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(a == b)


def _curves(run: Run, metrics: RunMetrics) -> dict[str, Any]:
    """Member -> label -> the three curves."""
    from cxrkd.evaluate import pr_curve, reliability, roc_curve

    found: dict[str, Any] = {}
    for member in metrics.members:
        said = run.predictions(member)
        found[member] = {
            label: {
                "roc": roc_curve(said.logits[0, :, k], said.targets[:, k]).to_dict(),
                "pr": pr_curve(said.logits[0, :, k], said.targets[:, k]).to_dict(),
                "reliability": reliability(said.logits[0, :, k], said.targets[:, k]).to_dict(),
            }
            for label, k in ((label, run.labels.index(label)) for label in metrics.labels)
        }
    return found


def _lines(run: Run, metrics: RunMetrics, same: bool | None) -> list[str]:
    first = next(iter(metrics.members.values())).over_seeds
    kind = "phantom" if run.config.data.kind == "phantom" else "test"
    seeds = "; ".join(f"{name} {found.arch}, seeds {_seeds(found.seeds)}" for name, found in metrics.members.items())
    head = [
        f"{run.id}: AUROC on {first.n} {kind} images of {first.n_patients} held-out patients, mean over seeds, "
        f"95 % interval by patient ({first.n_boot} draws)",
        seeds,
        "",
    ]
    return [*head, *_auroc_table(metrics), "", *_quality_table(metrics), "", *_differences(metrics), _stored(same)]


def _seeds(seeds: tuple[int, ...]) -> str:
    return " ".join(map(str, seeds))


def _auroc_table(metrics: RunMetrics) -> list[str]:
    members = list(metrics.members.values())
    rows = [_label_row(metrics, k) for k in range(len(metrics.labels))]
    macro = [interval(m.over_seeds.macro_auroc, m.over_seeds.macro_low, m.over_seeds.macro_high) for m in members]
    gain = [interval(*_macro(metrics.gain), sign=True)] if metrics.gain else []
    head = ["label", "positives", *metrics.members, *(["distilled - alone"] if metrics.gain else [])]
    return table(head, [*rows, ["macro mean", "", *macro, *gain]])


def _label_row(metrics: RunMetrics, k: int) -> list[str]:
    figures = [member.over_seeds.labels[k] for member in metrics.members.values()]
    cells = [interval(f.auroc, f.auroc_low, f.auroc_high) for f in figures]
    row = [metrics.labels[k], str(figures[0].n_pos), *cells]
    if metrics.gain:
        gain = metrics.gain.labels[k]
        row.append(interval(gain.diff, gain.low, gain.high, sign=True))
    return row


def _quality_table(metrics: RunMetrics) -> list[str]:
    rows = [
        [
            name,
            number(found.over_seeds.macro_ap),
            number(found.over_seeds.ece),
            number(found.over_seeds.brier),
            " ".join(number(value, 4) for value in found.over_seeds.seed_macro_auroc),
        ]
        for name, found in metrics.members.items()
    ]
    return table(["member", "mean AP", "ECE", "Brier", "macro AUROC of each seed"], rows)


def _macro(difference: PairedDifference) -> tuple[float, float, float]:
    return difference.macro_diff, difference.macro_low, difference.macro_high


def _differences(metrics: RunMetrics) -> list[str]:
    lines = []
    if metrics.gain:
        gain = interval(*_macro(metrics.gain), sign=True)
        lines.append(f"distilled - alone, paired: {gain}. {_verdict(metrics.gain)}")
    if metrics.gap:
        gap = metrics.gap
        kept = interval(gap.ratio, gap.ratio_low, gap.ratio_high)
        lines.append(f"distilled - teacher, paired: {interval(*_macro(gap), sign=True)}; ratio {kept}")
    return lines


def _verdict(gain: PairedDifference) -> str:
    """As careful as the interval and the number of seeds ask for."""
    if math.isnan(gain.macro_diff):
        return "Too few positive cases to measure it."
    seeds = min(gain.n_seeds_a, gain.n_seeds_b)
    few = f" From {seeds} seed{'s' if seeds > 1 else ''}; a gain is claimed from three." if seeds < 3 else ""
    if not gain.excludes_zero:
        return "The interval holds zero: no difference is shown." + few
    return ("Distillation helped." if gain.macro_diff > 0 else "Distillation did harm.") + few


def _stored(same: bool | None) -> str:
    if same is None:
        return "The run stores no figures of its own yet."
    return "These are the figures stored with the run." if same else "WARNING: the run stores other figures than these."
