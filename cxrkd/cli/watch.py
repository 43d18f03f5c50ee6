"""`watch`: a folder whose films are answered as they come."""

from __future__ import annotations

import argparse
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.options import add_force, add_run_options
from cxrkd.cli.output import Report, Ticker

if TYPE_CHECKING:
    from cxrkd.runs.watching.job import WatchConfig, WatchJob
    from cxrkd.runs.watching.store import FilmRow, Store

LOOK_EVERY_S = 0.5
WORST, LATEST = 20, 100


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "watch",
        parents=[common],
        help="answer the films of a folder as they come, by teacher and student; Ctrl-C stops it",
        description="Each film that comes into the folder, or one below it, is answered once it is whole: its time, "
        "what each network calls, and whether they agree. What was answered is kept, so that the same command goes on "
        "where it was; equal pictures are answered once. Links to folders are not followed. The Watch page shows it, "
        "too.",
    )
    verb.add_argument("folder", type=Path, metavar="DIR", help="such as where a scanner puts its films")
    verb.add_argument("--csv", type=Path, metavar="OUT", help="also write a table that grows film by film")
    verb.add_argument("--once", action="store_true", help="end when everything that is there is answered")
    add_force(verb)
    add_run_options(verb, "teacher and distilled student")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Watch until it is stopped, or once.

    Raises:
        CxrkdError: there is no such folder, it is watched already, or something cannot be written.
    """
    from cxrkd.cli.files import writing
    from cxrkd.jobs.execute import execute
    from cxrkd.runs.watching.making import watch_of

    asked = _asked(args)
    if args.csv:
        with writing(args.csv):
            new = not args.csv.exists()
            args.csv.open("ab").close()
            if new:  # only tried: the watch makes it, and there may be none
                args.csv.unlink()
    job, ticker = watch_of(asked), Ticker()
    ticker.line(f"Answering what is in {args.folder}." if args.once else f"Watching {args.folder}; Ctrl-C stops it.")
    try:
        with _following(job, ticker):
            execute(job)
    except KeyboardInterrupt:
        ticker.line(f"Stopped. Go on where it was with: python -m cxrkd watch {shlex.quote(str(args.folder))}")
    return _report(job)


def _asked(args: argparse.Namespace) -> WatchConfig:
    from cxrkd.runs.beside import asked_about
    from cxrkd.runs.choosing import choose_both, choose_run
    from cxrkd.runs.watching.job import WatchConfig
    from cxrkd.runs.watching.making import folder_named

    run = choose_run(args.run, for_films=True)
    return WatchConfig(
        run=asked_about(run)["run"],
        members=tuple(choose_both(run, args.members)),
        folder=folder_named(args.folder),
        force=args.force,
        engine=args.engine,
        csv=folder_named(args.csv) if args.csv else None,
        once=args.once,
    )


@contextmanager
def _following(job: WatchJob, ticker: Ticker) -> Iterator[None]:
    """Print what a watch answers while the block executes it."""
    ended = threading.Event()
    follower = threading.Thread(target=_follow, args=(job, ticker, ended), daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


def _follow(job: WatchJob, ticker: Ticker, ended: threading.Event) -> None:
    from cxrkd.runs.watching.store import films_of

    store, began = None, time.time()
    number = -1
    while True:
        last = ended.wait(LOOK_EVERY_S)
        store = store or films_of(job.path)
        if store is not None:
            if number < 0:
                number = _number_before(store, began)
            number, began = _print_new(store, ticker, number, began)
        if last:
            break
    ticker.clear()
    if store is not None:
        store.__exit__(None, None, None)


def _number_before(store: Store, began: float) -> int:
    """The last film that was answered before we came."""
    return next((row.number for row in store.latest(LATEST) if row.answered < began), 0)


def _print_new(store: Store, ticker: Ticker, number: int, since: float) -> tuple[int, float]:
    """Print what came after a film and a moment; returns the last of each."""
    from cxrkd.runs.watching.wording import running

    for row in store.after(number):
        for line in _lines(row):
            ticker.line(line)
        number = row.number
    refused = store.not_answered(LATEST, since)
    for one in reversed(refused):
        ticker.line(f"{_clock(one.settled)}  {one.name}: not answered. {one.reason}")
        since = one.settled
    ticker.tell(running(store.totals(), store.latest(LATEST)))
    return number, since


def _lines(row: FilmRow) -> list[str]:
    from cxrkd.runs.watching.wording import alarm

    one = row.comparison
    agree = f"{one.agreed} of {one.judged} calls agree, " if one.judged else ""
    lines = [
        f"{_clock(row.answered)}  {row.name}: {agree}largest difference {one.largest:.3f} ({one.label}); "
        f"{row.waited_s:.1f} s, {row.asked_ms:.0f} ms"
    ]
    return [*lines, f"          ALARM  {alarm(row)}"] if row.alarming else lines


def _clock(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))


def _report(job: WatchJob) -> Report:
    """What it has come to, with the films on top on which the networks differ."""
    from cxrkd.runs.watching.store import films_of
    from cxrkd.runs.watching.wording import passed_over, running

    store = films_of(job.path)
    if store is None:
        return Report({"watch": job.id, "path": str(job.path), "films": 0}, ["Nothing was answered."])
    with store:
        totals, worst, latest = store.totals(), store.worst(WORST), store.latest(LATEST)
        document = {"run": job.config.run, "watch": job.id, "path": str(job.path), **asdict(totals)}
        document["differing_films"] = [asdict(row) for row in worst]
        document["not_answered"] = [asdict(one) for one in store.not_answered(LATEST)]
    lines = [running(totals, latest), *(f"  {line}" for row in worst for line in _lines(row))]
    left = passed_over(totals)
    return Report(document, [*lines, *([f"not answered: {left}"] if left else [])])
