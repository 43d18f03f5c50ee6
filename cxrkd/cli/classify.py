"""`classify`: what a run's networks say about radiographs."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.files import read_input, writing
from cxrkd.cli.options import add_run_options, engine_for
from cxrkd.cli.output import Report, Ticker, number, table
from cxrkd.errors import ImageError

if TYPE_CHECKING:
    from cxrkd.runs.answer import Answer, Input


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "classify",
        parents=[common],
        help="probabilities of every label for radiographs",
        description="PNG or JPEG with 8 or 16 bits, or DICOM. A file that cannot be read gets a sentence on stderr and "
        "the others are answered (exit code 1).",
    )
    verb.add_argument("files", nargs="+", type=Path, metavar="FILE", help="radiographs")
    add_run_options(verb)
    verb.add_argument("--csv", type=Path, metavar="OUT", help="also write a table, one row a file and label")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Read what can be read, then ask."""
    from cxrkd.runs.answer import choose_members, choose_run

    run = choose_run(args.run, for_films=True)
    members = choose_members(run, args.members)
    inputs, failures = read_all(args.files, run.config.data.image_size)
    answers = _answers(run, members, inputs, args.engine) if inputs else []
    if args.csv:
        write_csv(args.csv, answers)
    document = {
        "run": run.id,
        "labels": list(run.labels),
        "answers": [answer.to_dict() for answer in answers],
        "failures": [{"name": name, "error": sentence} for name, sentence in failures.items()],
    }
    lines = [line for answer in answers for line in _lines(answer)]
    return Report(document, lines, list(failures.values()))


def read_all(files: Sequence[Path], size: int) -> tuple[list[Input], dict[str, str]]:
    """The inputs that could be read, and by file name a sentence for each that could not."""
    inputs: list[Input] = []
    failures: dict[str, str] = {}
    ticker = Ticker()
    for done, path in enumerate(files):
        ticker.tell(f"reading {done + 1} of {len(files)}")
        try:
            inputs.append(read_input(path, size))
        except ImageError as error:
            failures[str(path)] = str(error)
    ticker.clear()
    return inputs, failures


def _answers(run: Any, members: Sequence[Any], inputs: Sequence[Input], engine: str) -> list[Answer]:
    from cxrkd.runs.answer import classify, load_engines

    ticker = Ticker()
    ticker.tell("loading the networks")
    models = {member: run.load_model(member) for member in members}
    engines = load_engines(models, engine_for(engine, len(inputs)))
    ticker.clear()
    return classify(run, inputs, engines)


def _lines(answer: Answer) -> list[str]:
    """One file: its notes, a table of labels, and how long each network took."""
    members = list(answer.members)
    head = ["label", *(part for m in members for part in (m, "threshold"))]
    if "teacher" in members:
        head += [f"{m} - teacher" for m in members if m != "teacher"]
    rows = [_row(row, members) for row in answer.table()]
    took = "; ".join(f"{m} {said.latency_ms:.1f} ms ({said.engine})" for m, said in answer.members.items())
    notes = [f"  {note}" for note in answer.notes]
    warning = [f"  WARNING: {answer.warning}"] if answer.warning else []
    return [answer.name, *notes, *warning, *(f"  {line}" for line in table(head, rows)), f"  {took}", ""]


def _row(row: Mapping[str, Any], members: Sequence[str]) -> list[str]:
    """A `*` marks a probability that reaches its threshold."""
    cells = [row["label"]]
    for member in members:
        mark = "*" if row[f"{member}_positive"] else " "
        cells += [number(row[f"{member}_prob"]) + mark, number(row[f"{member}_threshold"])]
    return cells + [number(row[key], sign=True) for key in row if key.endswith("_difference")]


def write_csv(path: Path, answers: Sequence[Answer]) -> None:
    """One row a file and label; columns as in `Answer.table`, with the file's hash and the warning.

    Raises:
        ConfigError: the file cannot be written.
    """
    rows = [
        {"name": answer.name, "sha256": answer.sha256, **row, "warning": answer.warning}
        for answer in answers
        for row in answer.table()
    ]
    with writing(path), path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["name"])
        writer.writeheader()
        writer.writerows(rows)
