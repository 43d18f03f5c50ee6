"""`runs`: list, show, cancel, resume, delete and read the log of runs."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cxrkd.cli import checking, doctor
from cxrkd.cli.output import Report, table
from cxrkd.text import MISSING, duration, interval, number, over_findings

if TYPE_CHECKING:
    from cxrkd.config import RunConfig
    from cxrkd.runs import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb and its own verbs."""
    verb = verbs.add_parser("runs", help="list, show, cancel, resume, delete or check runs, read a log, ask the doctor")
    actions = verb.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[common], help="all runs: shipped ones, then newest first")
    listing.set_defaults(call=list_all)
    for name, call, text in (
        ("show", show, "state, settings and headline figures"),
        ("cancel", cancel, "stop a waiting or running run"),
        ("resume", resume, "go on with a stopped run after its last epoch"),
        ("delete", delete, "remove a run's folder for good"),
        ("log", log, "what the run wrote while it ran"),
    ):
        action = actions.add_parser(name, parents=[common], help=text)
        action.add_argument("run", metavar="RUN", help="id or folder")
        action.set_defaults(call=call)
        if name == "resume":
            action.add_argument("--foreground", action="store_true", help="execute it here instead of in the queue")
        if name == "log":
            action.add_argument("-n", type=int, default=200, dest="lines", metavar="N", help="last lines (default 200)")
    checking.add(actions, common)
    doctor.add(actions, common)


def list_all(args: argparse.Namespace) -> Report:
    """All runs."""
    from cxrkd.jobs.health import health
    from cxrkd.runs import list_runs

    runs, its = [_summary(run) for run in list_runs()], health()
    head = ["id", "status", "progress", "created", "teacher", "student", "patients", *_MEMBERS]
    rows = [
        [
            run["run"] + (" (shipped)" if run["shipped"] else ""),
            run["state"]["status"],
            f"{run['state']['progress']:.0%}",
            _when(run["state"]["created"]),
            run["teacher_arch"] or MISSING,
            run["student_arch"] or MISSING,
            str(run["n_patients"] or run["data"] or MISSING),
            *(number(run["macro_auroc"].get(member)) for member in _MEMBERS),
        ]
        for run in runs
    ]
    none = ["No runs yet. Make one: python -m cxrkd distill --name first"]
    unreadable = [f"unreadable: {one['state']['message']}" for one in runs if one["state"]["status"] == "unreadable"]
    lines = [*(table(head, rows) if rows else none), *unreadable, *([] if its.well else [its.line()])]
    return Report({"runs": runs, "health": its.to_dict()}, lines)


_MEMBERS = ("teacher", "alone", "distilled")


def _summary(run: Run) -> dict[str, Any]:
    from cxrkd.text import legible

    config = _config(run)
    return {
        "run": run.id,
        "name": config.name if config else run.id,
        "shipped": run.shipped,
        "path": legible(str(run.path)),
        "state": run.state.to_dict(),
        "teacher_arch": config and config.teacher_arch,
        "student_arch": config and config.student_arch,
        "data": config and config.data.kind,
        "n_patients": getattr(config.data, "n_patients", None) if config else None,
        "macro_auroc": _macros(run) if config else {},
    }


def _config(run: Run) -> RunConfig | None:
    """What a run was told; None where that cannot be read."""
    from cxrkd.errors import RunError

    try:
        return run.config
    except RunError:
        return None


def _macros(run: Run) -> dict[str, float]:
    from cxrkd.errors import CxrkdError

    try:
        return {member: found.over_seeds.macro_auroc for member, found in run.metrics().members.items()}
    except CxrkdError:  # it has not come that far, or `runs check` says more
        return {}


def _when(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M") if seconds else "–"


def show(args: argparse.Namespace) -> Report:
    """One run."""
    from cxrkd.errors import RunError
    from cxrkd.runs import open_run
    from cxrkd.text import legible

    run = open_run(args.run)
    state = run.state
    if state.status == "unreadable":
        lines = [f"{run.id} is unreadable", f"folder: {legible(str(run.path))}"]
        return Report(_summary(run), lines, [state.message])
    document = _summary(run) | {"config": run.config.model_dump(mode="json"), "members": run.members()}
    try:
        document["environment"] = run.environment()
    except RunError:  # written when the run is done
        document["environment"] = None
    return Report(document, _shown(run, document))


def _shown(run: Run, document: dict[str, Any]) -> list[str]:
    from cxrkd.config import data_summary

    state, config = run.state, run.config
    left = f", {duration(state.eta_s)} left" if state.eta_s is not None else ""
    seeds, start = " ".join(map(str, config.seeds)), _start(config.student_weights)
    start += f" from the distilled student of run {config.student_from}" if config.student_from else ""
    facts = {
        "run": f"{run.id} ({run.name}){' shipped' if run.shipped else ''}",
        "folder": str(run.path),
        "status": f"{state.status}, {state.progress:.0%}, {state.stage}{left}",
        "message": state.message,
        "created": _when(state.created),
        "took": duration(state.seconds) if state.seconds else "",
        "data": data_summary(config.data),
        "teacher": _teacher(config),
        "student": f"{config.student_arch}{start}, objective {config.objective.name}, seeds {seeds}",
        "networks": ", ".join(document["members"]),
        **_headline(run),
    }
    return [f"{name + ':':<18}{text}" for name, text in facts.items() if text]


def _teacher(config: RunConfig) -> str:
    as_is = "" if config.teacher_trained else ", not trained"
    borrowed = f" of run {config.teacher_from}" if config.teacher_from else ""
    return f"{config.teacher_arch}{_start(config.teacher_weights)}{as_is}{borrowed}"


def _start(weights: str) -> str:
    return "" if weights == "none" else f" from {weights}"


def _headline(run: Run) -> dict[str, str]:
    from cxrkd.errors import CxrkdError

    try:
        found = {name: member.over_seeds for name, member in run.metrics().members.items()}
    except CxrkdError:  # it has not come that far
        return {}
    return {
        f"AUROC {name}": f"{interval(m.macro_auroc, m.macro_low, m.macro_high)}, {over_findings(m.n_labels)}"
        for name, m in found.items()
    }


def cancel(args: argparse.Namespace) -> Report:
    """Stop a run."""
    from cxrkd import runs

    run = runs.open_run(args.run)
    runs.cancel(run)
    return _state(run)


def resume(args: argparse.Namespace) -> Report:
    """Go on with a run."""
    from cxrkd import runs
    from cxrkd.cli.distill import foreground

    run = runs.open_run(args.run)
    run.require_readable()
    return foreground(run) if args.foreground else _state(runs.resume(run))


def delete(args: argparse.Namespace) -> Report:
    """Remove a run."""
    from cxrkd import runs

    run = runs.open_run(args.run)
    runs.delete(run)
    return Report({"run": run.id, "deleted": True}, [f"{run.id} is deleted"])


def _state(run: Run) -> Report:
    state = run.state
    return Report({"run": run.id, "state": state.to_dict()}, [f"{run.id} is {state.status}"])


def log(args: argparse.Namespace) -> Report:
    """The end of the log."""
    from cxrkd.runs import open_run

    run = open_run(args.run)
    lines = run.log_tail(args.lines)
    return Report({"run": run.id, "log": lines}, lines or [f"{run.id} has no log yet."])
