"""`distill`: make a run, here or in the queue."""

from __future__ import annotations

import argparse
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report, Ticker
from cxrkd.cli.settings import add_flags, run_config
from cxrkd.text import duration, interval, over_findings

if TYPE_CHECKING:
    from cxrkd.runs import Run

LOOK_EVERY_S = 0.5


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "distill",
        parents=[common],
        help="train a teacher, a student alone and a distilled student",
        description="Renders phantoms, trains the networks, measures them, and leaves a run folder that every page and "
        "verb reads. Progress goes to stderr. Ctrl-C stops it after what is on disk; `runs resume` goes on.",
    )
    add_flags(verb)
    how = verb.add_mutually_exclusive_group()
    how.add_argument("--queue", action="store_true", help="put it in the background queue and return")
    how.add_argument("--dry-run", action="store_true", help="print the complete config and do nothing")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Make the run."""
    from cxrkd import runs

    config = run_config(args)
    if args.dry_run:
        return Report(config.model_dump(mode="json"), config.model_dump_json(indent=2).splitlines())
    if args.queue:
        run = runs.submit(config)
        return Report(_document(run), [f"{run.id} is {run.state.status}; watch it with: {_again('show', run)}"])
    return _made_here(runs.create(config))


def _made_here(run: Run) -> Report:
    """Execute a run that was just made; one that its data or settings refuse leaves no folder."""
    from cxrkd import runs
    from cxrkd.errors import ConfigError, DataError

    try:
        return foreground(run)
    except (ConfigError, DataError):
        if not run.members():  # nothing was learnt that could be gone on with
            runs.delete(run)
        raise


def foreground(run: Run) -> Report:
    """Execute a run in this process, with its log and a progress line on stderr.

    Raises:
        KeyboardInterrupt: it was stopped; a sentence on stderr says how to go on.
        CxrkdError: it failed.
    """
    execute_watched(run, _again("resume", run))
    return Report(_document(run), _lines(run))


def execute_watched(run: Run, again: str) -> None:
    """Execute a run in this process, showing how it goes; `again` is the command that goes on after an interruption.

    Raises:
        KeyboardInterrupt: it was stopped; a sentence on stderr says how to go on.
        CxrkdError: it failed.
    """
    from cxrkd.runs import execute

    try:
        with watching(run):
            execute(run)
    except (KeyboardInterrupt, SystemExit) as stop:  # Lightning turns the first into the second
        Ticker().line(f"Stopped. Go on after the last epoch with: {again}")
        raise KeyboardInterrupt from stop


def _again(verb: str, run: Run) -> str:
    return f"python -m cxrkd runs {verb} {shlex.quote(run.id)}"


@contextmanager
def watching(run: Run) -> Iterator[None]:
    """Show the run's log lines and progress on stderr while the block executes it."""
    finished = threading.Event()
    watcher = threading.Thread(target=_watch, args=(run, finished), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def _watch(run: Run, finished: threading.Event) -> None:
    ticker, told = Ticker(), _n_lines(run)
    while not finished.wait(LOOK_EVERY_S):
        told = _tell_new_lines(run, ticker, told)
        state = run.state
        left = f", {duration(state.eta_s)} left" if state.eta_s is not None else ""
        ticker.tell(f"{state.progress:4.0%}  {state.stage}{left}")
    _tell_new_lines(run, ticker, told)
    ticker.clear()


def _n_lines(run: Run) -> int:
    return len(_log(run))


def _log(run: Run) -> list[str]:
    return run.log_tail(1_000_000)


def _tell_new_lines(run: Run, ticker: Ticker, told: int) -> int:
    lines = _log(run)
    for line in lines[told:]:
        ticker.line(line)
    return len(lines)


def _document(run: Run) -> dict[str, Any]:
    state = run.state
    found = {"run": run.id, "path": str(run.path), "state": state.to_dict()}
    return found | ({"metrics": run.metrics().to_dict()} if state.status == "done" else {})


def _lines(run: Run) -> list[str]:
    """The headline of a finished run."""
    from cxrkd.evaluate.wording import gain_verdict

    metrics, kind = run.metrics(), run.config.data.kind
    what = "phantoms" if kind == "phantom" else f"images of {kind}"
    over = over_findings(next(iter(metrics.members.values())).over_seeds.n_labels)
    lines = [f"{run.id} is done; it is in {run.path}", f"Macro AUROC on held-out {what}, {over}, 95 % interval:"]
    for member, found in metrics.members.items():
        model = found.over_seeds
        lines.append(f"  {member:<10}{interval(model.macro_auroc, model.macro_low, model.macro_high)}")
    if metrics.gain:
        gain = interval(metrics.gain.macro_diff, metrics.gain.macro_low, metrics.gain.macro_high, sign=True)
        lines.append(f"  distilled - alone: {gain}. {gain_verdict(metrics.gain)}")
    return lines
