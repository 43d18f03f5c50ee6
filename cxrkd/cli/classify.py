"""`classify`: what a run's networks say about radiographs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.files import Failure, flagged, gate_line, read_film, writing
from cxrkd.cli.options import add_force, add_run_options, engine_for
from cxrkd.cli.output import Report, Ticker, table
from cxrkd.cli.sample_films import NOTHING, add_sample, read_samples, truth_lines
from cxrkd.errors import ConfigError, ImageError
from cxrkd.text import interval, number

if TYPE_CHECKING:
    from cxrkd.answers.answer import Answer
    from cxrkd.answers.verdict import Standing
    from cxrkd.config import Member
    from cxrkd.images.film import Film
    from cxrkd.runs import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "classify",
        parents=[common],
        help="probabilities of every label for radiographs",
        description="PNG or JPEG with 8 or 16 bits, or DICOM. A file that cannot be read, or does not look like a "
        "frontal chest radiograph, gets a sentence on stderr and the others are answered (exit code 1).",
    )
    verb.add_argument("files", nargs="*", type=Path, metavar="FILE", help="radiographs")
    add_sample(verb, several=True)
    add_force(verb)
    add_run_options(verb)
    verb.add_argument("--csv", type=Path, metavar="OUT", help="also write a table, one row a file and label")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Read what can be read, then ask.

    Raises:
        ConfigError: neither a file nor a sample was named.
    """
    from cxrkd.runs.choosing import choose_members, choose_run
    from cxrkd.runs.standing import standing

    if not args.files and not args.sample:
        raise ConfigError(NOTHING)
    run = choose_run(args.run, for_films=True)
    members = choose_members(run, args.members)
    standings = {member: standing(run, member) for member in members}
    samples, provenance = read_samples(run, args.sample)
    films, failures = read_all(args.files, run.config.data.image_size, force=args.force)
    films = [*samples, *films]
    answers = _answers(run, members, films, args.engine) if films else []
    if args.csv:
        write_csv(args.csv, answers, standings)
    document = {
        "run": run.id,
        "labels": list(run.labels),
        "standing": {member: known.to_dict() for member, known in standings.items()},
        "answers": [answer.to_dict() for answer in answers],
        "samples": provenance,
        "failures": [failure.to_dict() for failure in failures],
    }
    lines = [provenance, ""] if provenance else []
    lines += [line for answer in answers for line in _lines(answer, standings)]
    lines += _not_judged(standings) if answers else []
    return Report(document, lines, [failure.error for failure in failures])


def read_all(files: Sequence[Path], size: int, *, force: bool) -> tuple[list[Film], list[Failure]]:
    """The films to answer, and why each of the others is not; `force` lets flagged ones through.

    Raises:
        GateError: the coefficients of the radiograph gate are missing or damaged.
    """
    films: list[Film] = []
    failures: list[Failure] = []
    ticker = Ticker()
    for done, path in enumerate(files):
        ticker.tell(f"reading {done + 1} of {len(files)}")
        try:
            film = read_film(path, size)
        except ImageError as error:
            failures.append(Failure(str(path), str(error)))
            continue
        if failure := flagged(film, force=force):
            failures.append(failure)
        else:
            films.append(film)
    ticker.clear()
    return films, failures


def _answers(run: Run, members: Sequence[Member], films: Sequence[Film], engine: str) -> list[Answer]:
    from cxrkd.answers.answer import classify
    from cxrkd.answers.engines import load_engines
    from cxrkd.runs.choosing import warning_for

    ticker = Ticker()
    ticker.tell("loading the networks")
    models = {member: run.load_model(member) for member in members}
    engines = load_engines(models, engine_for(engine, len(films)))
    ticker.clear()
    thresholds = {member: run.thresholds(member) for member in members}
    warning = warning_for(run, real=True)
    return classify(films, engines, labels=run.labels, thresholds=thresholds, warning=warning, whose=run.id)


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
    return [answer.film.name, *notes, *truth_lines(answer.film), *warning, *says, *body, f"  {_took(answer)}", ""]


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


def write_csv(path: Path, answers: Sequence[Answer], standings: Mapping[Member, Standing]) -> None:
    """One row a file and label; the columns stand in `cxrkd.answers.csv`.

    Raises:
        ConfigError: the file cannot be written.
    """
    from cxrkd.answers.csv import answers_csv

    with writing(path):
        path.write_text(answers_csv(answers, standings), encoding="utf-8", newline="")
