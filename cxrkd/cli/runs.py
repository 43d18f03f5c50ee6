"""`runs`: list, show, compare, describe, cancel, resume, delete, read the log of runs and of jobs of other kinds."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cxrkd.cli import checking, comparing, describing, doctor, exporting
from cxrkd.cli.output import Report, table
from cxrkd.cli.spreading import add_spread, joined, spread
from cxrkd.text import MISSING, duration, interval, number, over_findings

if TYPE_CHECKING:
    from cxrkd.config import RunConfig
    from cxrkd.jobs.job import Job
    from cxrkd.runs import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb and its own verbs."""
    verb = verbs.add_parser(
        "runs",
        help="list, show, compare, rename, note, cancel, resume, delete or check runs, read a log, ask the doctor",
    )
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
            add_spread(action)
        if name == "log":
            action.add_argument("-n", type=int, default=200, dest="lines", metavar="N", help="last lines (default 200)")
    comparing.add(actions, common)
    describing.add(actions, common)
    exporting.add(actions, common)
    checking.add(actions, common)
    doctor.add(actions, common)


def list_all(args: argparse.Namespace) -> Report:
    """All runs."""
    from cxrkd.jobs.health import health
    from cxrkd.jobs.job import list_jobs

    runs, its = [_summary(job) for job in list_jobs()], health()
    head = ["id", "kind", "status", "progress", "created", "teacher", "student", "patients", *_MEMBERS]
    rows = [
        [
            run["run"] + (" (shipped)" if run["shipped"] else ""),
            run["kind"] or MISSING,
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


def _summary(job: Job) -> dict[str, Any]:
    """What is true of any job, and what only a distillation has: None of others."""
    from cxrkd.text import legible

    config, kind = _config(job), job.kind
    return {
        "run": job.id,
        "kind": kind and kind.name,
        "name": _name(job) or job.id,
        "shipped": job.shipped,
        "path": legible(str(job.path)),
        "state": job.state.to_dict(),
        "teacher_arch": config and config.teacher_arch,
        "student_arch": config and config.student_arch,
        "data": config and config.data.kind,
        "n_patients": getattr(config.data, "n_patients", None) if config else None,
        "macro_auroc": _macros(job),
    }


def _config(job: Job) -> RunConfig | None:
    """What a distillation was told; None of another kind, and where that cannot be read."""
    from cxrkd.errors import RunError
    from cxrkd.runs import Run

    try:
        return job.config if isinstance(job, Run) else None
    except RunError:
        return None


def _name(job: Job) -> str | None:
    """What a distillation is called; None of another kind, and where that cannot be read."""
    from cxrkd.errors import RunError
    from cxrkd.runs import Run

    try:
        return job.name if isinstance(job, Run) else None
    except RunError:
        return None


def _macros(job: Job) -> dict[str, float]:
    from cxrkd.errors import CxrkdError
    from cxrkd.runs import Run

    try:
        members = job.metrics().members if isinstance(job, Run) else {}
    except CxrkdError:  # it has not come that far, or `runs check` says more
        return {}
    return {name: member.over_seeds.macro_auroc for name, member in members.items()}


def _when(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M") if seconds else "–"


def show(args: argparse.Namespace) -> Report:
    """One run, or a job of another kind."""
    from cxrkd.jobs.job import open_job
    from cxrkd.runs import Run
    from cxrkd.text import legible

    job = open_job(args.run)
    document, state = _summary(job), job.state
    if state.status == "unreadable":
        return Report(document, [f"{job.id} is unreadable", f"folder: {legible(str(job.path))}"], [state.message])
    facts = _facts(job, document)
    if isinstance(job, Run):
        document |= {"config": job.config.model_dump(mode="json"), "members": job.members()}
        document["note"] = job.description.note
        facts |= _distillation(job)
    facts |= job.summary()
    document["environment"] = _environment(job)
    return Report(document, [f"{name + ':':<18}{text}" for name, text in facts.items() if text])


def _environment(job: Job) -> dict[str, Any] | None:
    from cxrkd.errors import RunError

    try:
        return job.environment()
    except RunError:  # written when the job is done
        return None


def _facts(job: Job, document: dict[str, Any]) -> dict[str, str]:
    """What is true of any job."""
    state = job.state
    left = f", {duration(state.eta_s)} left" if state.eta_s is not None else ""
    return {
        "run": f"{job.id} ({document['name']}){' shipped' if job.shipped else ''}",
        "kind": job.kind.title if job.kind else "",
        "folder": str(job.path),
        "status": f"{state.status}, {state.progress:.0%}, {state.stage}{left}",
        "message": state.message,
        "created": _when(state.created),
        "took": duration(state.seconds) if state.seconds else "",
    }


def _distillation(run: Run) -> dict[str, str]:
    from cxrkd.config import data_summary

    config = run.config
    seeds, start = " ".join(map(str, config.seeds)), _start(config.student_weights)
    start += f" from the distilled student of run {config.student_from}" if config.student_from else ""
    return {
        "data": data_summary(config.data),
        "teacher": _teacher(config),
        "student": f"{config.student_arch}{start}, objective {config.objective.name}, seeds {seeds}",
        "networks": ", ".join(run.members()),
        "note": run.description.note.replace("\n", " "),
        **_headline(run),
    }


def _teacher(config: RunConfig) -> str:
    as_is = "" if config.teacher_trained else ", not trained"
    borrowed = f" of run {config.teacher_from}" if config.teacher_from else ""
    return f"{config.teacher_arch}{_start(config.teacher_weights)}{as_is}{borrowed}"


def _start(weights: str) -> str:
    return "" if weights == "none" else f" from {weights}"


def _headline(run: Run) -> dict[str, str]:
    from cxrkd.errors import CxrkdError

    try:
        models = {name: member.over_seeds for name, member in run.metrics().members.items()}
    except CxrkdError:  # it has not come that far
        return {}
    return {
        f"AUROC {name}": f"{interval(m.macro_auroc, m.macro_low, m.macro_high)}, {over_findings(m.n_labels)}"
        for name, m in models.items()
    }


def cancel(args: argparse.Namespace) -> Report:
    """Stop a job."""
    from cxrkd.jobs import job, queue

    stopped = job.open_job(args.run)
    queue.cancel(stopped)
    return _state(stopped)


def resume(args: argparse.Namespace) -> Report:
    """Go on with a job."""
    from cxrkd.cli.distill import foreground
    from cxrkd.cli.watching import command, execute_watched
    from cxrkd.jobs import job, queue
    from cxrkd.runs import Run

    stopped = job.open_job(args.run)
    stopped.require_readable()
    here = spread(args, here=args.foreground)
    if not args.foreground:
        return _state(queue.resume(stopped))
    if isinstance(stopped, Run):
        return joined(stopped, here.rank) if here.rank else foreground(stopped)
    execute_watched(stopped, command("resume", stopped))
    return _state(stopped)


def delete(args: argparse.Namespace) -> Report:
    """Remove a job."""
    from cxrkd.jobs import job, queue

    doomed = job.open_job(args.run)
    queue.delete(doomed)
    return Report({"run": doomed.id, "deleted": True}, [f"{doomed.id} is deleted"])


def _state(job: Job) -> Report:
    state = job.state
    return Report({"run": job.id, "state": state.to_dict()}, [f"{job.id} is {state.status}"])


def log(args: argparse.Namespace) -> Report:
    """The end of the log."""
    from cxrkd.errors import ConfigError
    from cxrkd.jobs.job import open_job

    if args.lines < 1:
        raise ConfigError(f"-n: expected at least 1, got {args.lines}.")
    job = open_job(args.run)
    lines = job.log_tail(args.lines)
    return Report({"run": job.id, "log": lines}, lines or [f"{job.id} has no log yet."])
