"""`classify`: what a run's networks say about radiographs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.answer_sink import Sink
from cxrkd.cli.files import Failure, flagged, gate_line, read_film
from cxrkd.cli.folders import expanded
from cxrkd.cli.options import add_force, add_run_options, engine_for
from cxrkd.cli.output import Report, Ticker, table
from cxrkd.cli.sample_films import NOTHING, add_sample, read_samples, truth_lines
from cxrkd.errors import ConfigError, ImageError
from cxrkd.text import duration, interval, legible, number

if TYPE_CHECKING:
    from cxrkd.answers.answer import Answer
    from cxrkd.answers.verdict import Standing
    from cxrkd.config import Member
    from cxrkd.images.film import Film
    from cxrkd.runs import Run

NO_FILE = "No file was found to answer: what was named are folders without one."


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "classify",
        parents=[common],
        help="probabilities of every label for radiographs",
        description="PNG or JPEG with 8 or 16 bits, or DICOM. Of a folder, all such files below it but hidden ones; "
        "links to folders are not followed. A file that cannot be read, or does not look like a frontal chest "
        "radiograph, gets a sentence on stderr and the others are answered (exit code 1). With --csv, rows are written "
        "as they come.",
    )
    verb.add_argument("files", nargs="*", type=Path, metavar="FILE", help="radiographs, or folders of them")
    add_sample(verb, several=True)
    add_force(verb)
    add_run_options(verb)
    verb.add_argument("--csv", type=Path, metavar="OUT", help="also write a table, one row a file and label")
    verb.add_argument(
        "--go-on", action="store_true", help="keep the films that OUT has already, and answer those that it lacks"
    )
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Read what can be read, and ask.

    Raises:
        ConfigError: neither a file nor a sample was named, or --go-on without a table.
    """
    from cxrkd.runs.choosing import choose_members, choose_run
    from cxrkd.runs.standing import standing

    if not args.files and not args.sample:
        raise ConfigError(NOTHING)
    if args.go_on and not args.csv:
        raise ConfigError("--go-on goes on with a table: name it with --csv OUT.")
    run = choose_run(args.run, for_films=True)
    members = choose_members(run, args.members)
    standings = {member: standing(run, member) for member in members}
    samples, provenance = read_samples(run, args.sample)
    paths, left_out, unopened = expanded(args.files)
    with Sink(args.csv, standings, go_on=args.go_on, as_json=args.json) as sink:
        named: list[Film | Path] = [*samples, *paths]
        sink.failures += unopened
        things = [thing for thing in named if _name(thing) not in sink.names]
        for answer in _answers(args, run, members, things, sink):
            sink.add(answer, lambda one: _lines(one, standings))
    document = {
        "run": run.id,
        "labels": list(run.labels),
        "standing": {member: known.to_dict() for member, known in standings.items()},
        "answers": sink.documents,
        "samples": provenance,
        "left_out": [one.to_dict() for one in left_out],
        "failures": [failure.to_dict() for failure in sink.failures],
    }
    lines = [provenance, ""] if provenance else []
    lines += sink.lines
    lines += _not_judged(standings) if sink.lines else []
    lines += [*(one.sentence for one in left_out), *sink.summary()]
    lines += [] if named or left_out or unopened else [NO_FILE]
    return Report(document, lines, sink.sentences())


def _name(thing: Film | Path) -> str:
    return str(thing) if isinstance(thing, Path) else thing.name


def _answers(
    args: argparse.Namespace, run: Run, members: Sequence[Member], things: Sequence[Film | Path], sink: Sink
) -> Iterator[Answer]:
    """The answers in the order of the films; why there is none goes to the sink.

    Raises:
        KeyboardInterrupt: it was stopped; a sentence on stderr says how to go on.
    """
    from cxrkd.runs.panel import Panel, Work, answers_in_order, panel_of

    work, ticker, began = Work.of(len(things)), Ticker(), time.monotonic()
    engine = engine_for(args.engine, len(things))

    def read(thing: Film | Path) -> Film | Failure:
        return _read(thing, run.config.data.image_size, force=args.force)

    def panel() -> Panel:
        ticker.tell("loading the networks" if engine != "auto" else "finding the fastest engine of this machine")
        return panel_of(run, members, engine, work.threads)

    ticker.tell(f"reading {len(things):,} films")
    try:
        for done, one in enumerate(answers_in_order(things, read, panel, work), 1):
            if isinstance(one, Failure):
                sink.failures.append(one)
            else:
                yield one
            ticker.tell(_progress(done, len(things), time.monotonic() - began))
    except KeyboardInterrupt:
        ticker.clear()
        if args.csv:
            ticker.line(f"Stopped. The films in {args.csv} are whole; the same command with --go-on answers the rest.")
        raise
    ticker.clear()


def _progress(done: int, n: int, seconds: float) -> str:
    rate = done / max(seconds, 1e-9)
    return f"{done:,} of {n:,} films, {rate:.1f} a second, {duration((n - done) / rate)} left"


def _read(thing: Film | Path, size: int, *, force: bool) -> Film | Failure:
    """The film to answer, or why it is not; `force` lets flagged ones through."""
    if not isinstance(thing, Path):
        return thing
    try:
        film = read_film(thing, size)
    except ImageError as error:
        return Failure(str(thing), str(error))
    return flagged(film, force=force) or film


def _lines(answer: Answer, standings: Mapping[Member, Standing]) -> list[str]:
    """One file: its notes, what each network says, a table of all labels, and how long it took."""
    members = list(answer.members)
    head = ["label", *(part for m in members for part in (m, "threshold", "AUROC"))]
    if "teacher" in members:
        head += [f"{m} - teacher" for m in members if m != "teacher"]
    rows = [_row(row, k, standings) for k, row in enumerate(answer.table())]
    says = [f"  {member}: {answer.verdict(member)}" for member in members]
    notes = [f"  {note}" for note in answer.film.notes]
    warning = gate_line(answer.film.gate) + ([f"  WARNING: {answer.warning}"] if answer.warning else [])
    body = [f"  {line}" for line in table(head, rows)]
    name = legible(answer.film.name)
    return [name, *notes, *truth_lines(answer.film), *warning, *says, *body, f"  {_took(answer)}", ""]


def _row(row: Mapping[str, Any], k: int, standings: Mapping[Member, Standing]) -> list[str]:
    """A `*` marks a probability that reaches its threshold."""
    cells = [row["label"]]
    for member, known in standings.items():
        mark = "*" if row[f"{member}_positive"] else " "
        auroc = interval(known.auroc[k], known.low[k], known.high[k])
        cells += [number(row[f"{member}_prob"]) + mark, number(row[f"{member}_threshold"]), auroc]
    return cells + [number(row[key], sign=True) for key in row if key.endswith("_difference")]


def _not_judged(standings: Mapping[Member, Standing]) -> list[str]:
    """A line a label that a network cannot call, with the reason."""
    from cxrkd.answers.verdict import not_judged, partly_judged

    lines = [f"  {label}: {reason}" for label, reason in not_judged(standings).items()]
    for label, reasons in partly_judged(standings).items():
        lines += [f"  {label} by {member}: {reason}" for member, reason in reasons.items()]
    return [f"not judged ({len(lines)}):", *lines, ""] if lines else []


def _took(answer: Answer) -> str:
    return "; ".join(
        f"{m} {member_answer.latency_ms:.1f} ms ({member_answer.engine})" for m, member_answer in answer.members.items()
    )
