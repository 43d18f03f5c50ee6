"""`evaluate`: every figure of a run again, from its kept predictions; or on films of another data set."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli import approximating, stress, validating
from cxrkd.cli.figures import (
    auroc_table,
    differences,
    macro_auroc,
    macro_difference,
    quality_table,
    seeds_text,
    threshold_table,
)
from cxrkd.cli.names import find_labels
from cxrkd.cli.output import Report, table
from cxrkd.text import interval

if TYPE_CHECKING:
    from cxrkd.runs import Run
    from cxrkd.runs.metrics import RunMetrics
    from cxrkd.runs.predictions import HeldOut


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "evaluate",
        parents=[common],
        help="AUROC per label with intervals, and what distillation gained; also on films of another data set",
        description="Computes a run's figures again from its stored predictions on the test patients, and says whether "
        "they are those stored with the run. Thresholds are chosen on the validation patients. With a data set "
        "(--kind, --folder) the run is measured on the test films of that one, or on all where it has one split only; "
        "--table is then the table of --kind folder. That is a job that can be resumed, and its result is kept.",
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
        "--table",
        type=Path,
        metavar="CSV",
        help="with --by: image in the first column, groups in others; with --kind folder: its table (default "
        "labels.csv), in the folder or an absolute path",
    )
    stress.add_options(verb)
    approximating.add_options(verb)
    verb.later(validating.add_flags)
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Recompute and compare with what is stored; on another data set, or on degraded films, measure there."""
    from cxrkd.checksums import relist
    from cxrkd.jobs.files import write_json
    from cxrkd.runs.choosing import choose_run
    from cxrkd.runs.metrics import measure
    from cxrkd.runs.run import METRICS

    run = choose_run(args.run)
    if args.stress:
        of_others = {} if args.kind is not None else validating.options_of_others(args)
        _refuse_beside(args, "--stress", {"--write": args.write, "--engine": args.engine, **of_others})
        other = validating.data_config(args, run.config.data.image_size) if args.kind is not None else None
        own = Path(args.folder) if args.folder is not None and other is None else None
        return stress.call(run, own, other)
    if args.engine is not None:
        _refuse_beside(args, "--engine", {"--kind": args.kind, **validating.options_of_others(args)})
        folder = None if args.folder is None else Path(args.folder)
        return approximating.call(run, args.engine, folder, keep=args.write)
    if validating.asks_for_data(args):
        return validating.call(args, run)
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
    document["validations"], elsewhere = validating.listing(run)
    return Report(document, [*_lines(run, metrics, same), *_group_table(groups, args.by), *elsewhere])


def _refuse_beside(args: argparse.Namespace, option: str, more: Mapping[str, object]) -> None:
    """Refuse options of other figures beside one that asks networks anew.

    Raises:
        ConfigError: says which.
    """
    from cxrkd.errors import ConfigError

    others = {"--curves": args.curves, "--labels": args.labels, "--by": args.by, **more}
    others |= {"--leave-out": args.leave_out, "--other-patients": args.other_patients, "--name": args.name}
    others["--readers"] = args.readers
    given = [name for name, value in others.items() if value]
    if given:
        raise ConfigError(f"{option} measures over all findings and films; leave {' and '.join(given)} out.")


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
        cells = [macro_auroc(model) for model in members]
        gain = [interval(*macro_difference(metrics.gain), sign=True)] if metrics.gain else []
        plain = [macro_auroc(metrics.trivial)] if metrics.trivial else []
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
    seeds = "; ".join(
        f"{name} {member.arch}, seeds {seeds_text(member.seeds)}" for name, member in metrics.members.items()
    )
    head = [
        f"{run.id}: AUROC on {first.n} {kind} images of {first.n_patients} held-out patients, mean over seeds, "
        "95 % interval over patients and, from two seeds on, over trainings",
        seeds,
        "",
    ]
    tables = [*auroc_table(metrics), "", *quality_table(metrics), "", *threshold_table(metrics), ""]
    return [*head, *tables, *differences(metrics), _stored(same)]


def _stored(same: bool | None) -> str:
    if same is None:
        return "The run stores no figures of this version; --write stores these."
    return "These are the figures stored with the run." if same else "WARNING: the run stores other figures than these."
