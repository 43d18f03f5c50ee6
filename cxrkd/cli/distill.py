"""`distill`: make a run, here or in the queue."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report, Ticker
from cxrkd.cli.settings import add_flags, run_config
from cxrkd.cli.spreading import add_spread, as_another_node
from cxrkd.cli.watching import command, execute_watched
from cxrkd.text import duration, interval, over_findings

if TYPE_CHECKING:
    from cxrkd.config import RunConfig
    from cxrkd.runs import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "distill",
        parents=[common],
        help="train a teacher, a student alone and a distilled student",
        description="Reads or draws the images, trains the networks, measures them, and leaves a run folder that every "
        "page and verb reads. Progress goes to stderr. Ctrl-C stops it after what is on disk; `runs resume` goes on.",
    )
    verb.later(add_flags)
    add_spread(verb)
    how = verb.add_mutually_exclusive_group()
    how.add_argument("--queue", action="store_true", help="put it in the background queue and return")
    how.add_argument(
        "--dry-run",
        action="store_true",
        help="print the complete config, on stderr how long it will take and what is wrong with the data; do nothing",
    )
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Make the run; on another node than the first, take part in it."""
    from cxrkd import runs

    config = run_config(args)
    if args.dry_run:
        _foretell(config)
        return Report(config.model_dump(mode="json"), config.model_dump_json(indent=2).splitlines())
    elsewhere = as_another_node(args, config, here=not args.queue)
    if elsewhere is not None:
        return elsewhere
    if args.queue:
        run = runs.submit(config)
        return Report(_document(run), [f"{run.id} is {run.state.status}; watch it with: {command('show', run)}"])
    return _made_here(runs.create(config))


def _foretell(config: RunConfig) -> None:
    """Say on stderr how long a run will take, and what stops it or will make it worse."""
    from cxrkd.data import load_cohort
    from cxrkd.errors import CxrkdError
    from cxrkd.runs.data_check import check_data
    from cxrkd.runs.estimate import estimate
    from cxrkd.runs.refusing import able_to_start
    from cxrkd.runs.stages import students

    ticker = Ticker()
    try:
        config = able_to_start(config)
        cohort = load_cohort(config.data)
        images = float(len(cohort)), float(len(cohort.rows("train")))
        guess = estimate(config, [student.stage for student in students(config)], images)
    except CxrkdError as error:
        return ticker.line(f"It would be refused: {error}")
    for line in check_data(cohort, config.student_train.batch_size).warnings:
        ticker.line(line)
    ticker.line(f"About {duration(guess.seconds)} on this machine, {guess.basis}.")


def _made_here(run: Run) -> Report:
    """Execute a run that was just made; one that its data or settings refuse leaves no folder."""
    from cxrkd.errors import ConfigError, DataError
    from cxrkd.jobs.queue import delete

    try:
        return foreground(run)
    except (ConfigError, DataError):
        if not run.members():  # nothing was learnt that could be gone on with
            delete(run)
        raise


def foreground(run: Run) -> Report:
    """Execute a run in this process, with its log and a progress line on stderr.

    Raises:
        KeyboardInterrupt: it was stopped; a sentence on stderr says how to go on.
        CxrkdError: it failed.
    """
    execute_watched(run, command("resume", run))
    return Report(_document(run), _lines(run))


def _document(run: Run) -> dict[str, Any]:
    state = run.state
    document = {"run": run.id, "path": str(run.path), "state": state.to_dict()}
    return document | ({"metrics": run.metrics().to_dict()} if state.status == "done" else {})


def _lines(run: Run) -> list[str]:
    """The headline of a finished run."""
    from cxrkd.evaluate.wording import gain_verdict

    metrics, kind = run.metrics(), run.config.data.kind
    what = "phantoms" if kind == "phantom" else f"images of {kind}"
    over = over_findings(next(iter(metrics.members.values())).over_seeds.n_labels)
    lines = [f"{run.id} is done; it is in {run.path}", f"Macro AUROC on held-out {what}, {over}, 95 % interval:"]
    for member, measured in metrics.members.items():
        model = measured.over_seeds
        lines.append(f"  {member:<10}{interval(model.macro_auroc, model.macro_low, model.macro_high)}")
    if metrics.gain:
        gain = interval(metrics.gain.macro_diff, metrics.gain.macro_low, metrics.gain.macro_high, sign=True)
        lines.append(f"  distilled - alone: {gain}. {gain_verdict(metrics.gain)}")
    return lines
