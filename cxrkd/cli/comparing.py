"""`runs compare`: runs beside one another: how good, how costly, how they learned, what was set apart."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report, table
from cxrkd.text import MISSING, interval, number

if TYPE_CHECKING:
    from cxrkd.config import Member
    from cxrkd.runs import Run
    from cxrkd.runs.metrics import RunMetrics


def add(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the action."""
    action = actions.add_parser(
        "compare",
        parents=[common],
        help="figures, cost and settings of runs, side by side",
        description="Prints AUROC, parameters and multiply-adds of every member, how far the first run is above the "
        "others on the same test films, the AUROC of each finding of one member, and the settings in which the runs "
        "differ. --json has the validation curves too.",
    )
    action.add_argument("runs", nargs="+", metavar="RUN", help="ids or folders of finished runs, two or more")
    action.add_argument(
        "--member", default="distilled", choices=("teacher", "alone", "distilled"), help="whose findings (distilled)"
    )
    action.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Compare runs.

    Raises:
        ConfigError: fewer than two.
    """
    from cxrkd.config.differing import differing
    from cxrkd.errors import ConfigError
    from cxrkd.runs import open_run

    runs = {run.id: run for run in map(open_run, args.runs)}
    if len(runs) < 2:
        raise ConfigError(f"Expected two different runs or more, got {', '.join(runs)}. Name those to compare.")
    metrics = {name: run.metrics() for name, run in runs.items()}
    members = [row for name, run in runs.items() for row in _members(run, metrics[name])]
    labels = _labels(metrics, args.member)
    settings = differing([run.config for run in runs.values()])
    by_run = {key: dict(zip(runs, values, strict=True)) for key, values in settings.items()}
    apart = _differences(list(runs.values()))
    document = {"runs": {name: _document(run) for name, run in runs.items()}, "members": members, "differences": apart}
    document |= {"member": args.member, "labels": labels, "settings": by_run}
    return Report(document, _lines(list(runs), members, apart, args.member, labels, by_run))


def _document(run: Run) -> dict[str, Any]:
    from cxrkd.runs.epochs import curves

    its = curves(run.events(), "val_auroc")
    kept = [{"member": who, "seed": seed, "val_auroc": points} for (who, seed), points in its.items()]
    return {"name": run.name, "note": run.description.note, "curves": kept}


def _members(run: Run, metrics: RunMetrics) -> list[dict[str, Any]]:
    from cxrkd.runs.showcase import costs_of

    costs, rows = costs_of(run), []
    for member, measured in metrics.members.items():
        model, cost = measured.over_seeds, costs[member]
        figures = {"auroc": model.macro_auroc, "low": model.macro_low, "high": model.macro_high}
        rows.append(
            {"run": run.id, "member": member, "arch": measured.arch, **figures, "n_labels": model.n_labels}
            | {"params": cost.params, "macs": cost.macs}
        )
    return rows


def _differences(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The first run minus each other one, member by member, where both were tested on the same films."""
    from cxrkd.runs.between import difference

    first, *others = runs
    rows = []
    for other in others:
        for member in (one for one in first.members() if one in other.members()):
            apart = difference(first, other, member)
            if apart is not None:
                rows.append({"run": first.id, "minus": other.id, "member": member, **apart.to_dict()})
    return rows


def _labels(metrics: Mapping[str, RunMetrics], member: Member) -> dict[str, dict[str, float | None]]:
    """Label -> run -> AUROC; None where the run has no such member or too few cases of the finding."""
    labels = dict.fromkeys(label for its in metrics.values() for label in its.labels)
    of_run = {
        name: {row.label: row.auroc for row in its.members[member].over_seeds.labels if row.evaluable}
        if member in its.members
        else {}
        for name, its in metrics.items()
    }
    return {label: {name: figures.get(label) for name, figures in of_run.items()} for label in labels}


def _lines(
    names: Sequence[str],
    members: Sequence[Mapping[str, Any]],
    differences: Sequence[Mapping[str, Any]],
    member: str,
    labels: Mapping[str, Mapping[str, float | None]],
    settings: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    rows = [
        [
            *(row["run"], row["member"], row["arch"], interval(row["auroc"], row["low"], row["high"])),
            *(str(row["n_labels"]), f"{row['params'] / 1e6:.3f} M", f"{row['macs'] / 1e9:.3f} G"),
        ]
        for row in members
    ]
    lines = table(["run", "member", "network", "AUROC", "findings", "parameters", "MACs"], rows)
    apart = [
        [row["member"], f"{row['run']} - {row['minus']}", interval(*_macro(row), sign=True), str(row["n_patients"])]
        for row in differences
    ]
    if apart:
        lines += ["", "The same test films:", *table(["member", "runs", "AUROC", "patients"], apart)]
    else:
        lines += ["", "They were tested on different films: differences are not paired."]
    figures = [[label, *(number(each[name]) for name in names)] for label, each in labels.items()]
    lines += ["", f"AUROC of each finding, {member}:", *table(["finding", *names], figures)]
    if not settings:
        return [*lines, "", "Nothing was set differently but the name."]
    rows = [[key, *(_shown(each[name]) for name in names)] for key, each in settings.items()]
    return [*lines, "", "Settings that differ:", *table(["setting", *names], rows)]


def _macro(row: Mapping[str, Any]) -> tuple[float, float, float]:
    return row["macro_diff"], row["macro_low"], row["macro_high"]


def _shown(value: Any) -> str:
    if value is None:
        return MISSING
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
