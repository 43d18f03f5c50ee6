"""`classify`: what a run's networks say about radiographs."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.files import Failure, flagged, gate_line, read_input, writing
from cxrkd.cli.options import add_force, add_run_options, engine_for
from cxrkd.cli.output import Report, Ticker, interval, number, table
from cxrkd.errors import ImageError

if TYPE_CHECKING:
    from cxrkd.runs.answer import Answer, Input


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "classify",
        parents=[common],
        help="probabilities of every label for radiographs",
        description="PNG or JPEG with 8 or 16 bits, or DICOM. A file that cannot be read, or does not look like a "
        "frontal chest radiograph, gets a sentence on stderr and the others are answered (exit code 1).",
    )
    verb.add_argument("files", nargs="+", type=Path, metavar="FILE", help="radiographs")
    add_force(verb)
    add_run_options(verb)
    verb.add_argument("--csv", type=Path, metavar="OUT", help="also write a table, one row a file and label")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Read what can be read, then ask."""
    from cxrkd.runs.answer import choose_members, choose_run

    run = choose_run(args.run, for_films=True)
    members = choose_members(run, args.members)
    inputs, failures = read_all(args.files, run.config.data.image_size, force=args.force)
    answers = _answers(run, members, inputs, args.engine) if inputs else []
    if args.csv:
        write_csv(args.csv, answers)
    document = {
        "run": run.id,
        "labels": list(run.labels),
        "answers": [answer.to_dict() for answer in answers],
        "failures": [failure.to_dict() for failure in failures],
    }
    lines = [line for answer in answers for line in _lines(answer)]
    return Report(document, lines, [failure.error for failure in failures])


def read_all(files: Sequence[Path], size: int, *, force: bool) -> tuple[list[Input], list[Failure]]:
    """The inputs to answer, and why each of the others is not; `force` lets flagged ones through.

    Raises:
        GateError: the coefficients of the radiograph gate are missing or damaged.
    """
    inputs: list[Input] = []
    failures: list[Failure] = []
    ticker = Ticker()
    for done, path in enumerate(files):
        ticker.tell(f"reading {done + 1} of {len(files)}")
        try:
            image = read_input(path, size)
        except ImageError as error:
            failures.append(Failure(str(path), str(error)))
            continue
        if failure := flagged(image, force=force):
            failures.append(failure)
        else:
            inputs.append(image)
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
    """One file: its notes, what each network calls, a table of labels, and how long each network took."""
    members = list(answer.members)
    head = ["label", *(part for m in members for part in (m, "threshold", "AUROC of it"))]
    if "teacher" in members:
        head += [f"{m} - teacher" for m in members if m != "teacher"]
    rows = [_row(row, members) for row in sorted(answer.table(), key=lambda row: not _judged(row, members))]
    took = "; ".join(f"{m} {said.latency_ms:.1f} ms ({said.engine})" for m, said in answer.members.items())
    notes = [f"  {note}" for note in answer.notes]
    warning = gate_line(answer.gate) + ([f"  WARNING: {answer.warning}"] if answer.warning else [])
    said = [f"  {line}" for line in [*_calls(answer), *table(head, rows)]]
    return [answer.name, *notes, *warning, *said, f"  {took}", ""]


def _calls(answer: Answer) -> list[str]:
    """What each network calls, out of how many findings; then which it does not judge, and why."""
    calls: list[str] = []
    reasons: dict[str, list[str]] = {}
    for member in answer.members:
        left_out = answer.not_judged(member)
        n = len(answer.labels) - len(left_out)
        can = f"of the {n} finding{'' if n == 1 else 's'} it can call"
        calls.append(f"{member}: {', '.join(answer.called(member)) or 'none'} {can}")
        for reason in dict.fromkeys(left_out.values()):
            labels = ", ".join(label for label, why in left_out.items() if why == reason)
            reasons.setdefault(f"{labels} ({reason})", []).append(member)
    return calls + [f"not judged by {', '.join(members)}: {what}" for what, members in reasons.items()]


def _judged(row: Mapping[str, Any], members: Sequence[str]) -> bool:
    return any(row[f"{member}_threshold"] is not None for member in members)


def _row(row: Mapping[str, Any], members: Sequence[str]) -> list[str]:
    """A `*` marks a probability that reaches its threshold."""
    cells = [row["label"]]
    for member in members:
        mark, cut = "*" if row[f"{member}_positive"] else " ", row[f"{member}_threshold"]
        cells += [number(row[f"{member}_prob"]) + mark, "not judged" if cut is None else number(cut)]
        cells.append(interval(*(row[f"{member}_auroc{end}"] for end in ("", "_low", "_high"))))
    return cells + [number(row[key], sign=True) for key in row if key.endswith("_difference")]


def write_csv(path: Path, answers: Sequence[Answer]) -> None:
    """One row a file and label; columns as in `Answer.table`, with the file's hash, the warning and the gate's reason.

    Raises:
        ConfigError: the file cannot be written.
    """
    rows = [
        {"name": answer.name, "sha256": answer.sha256, **row, "warning": answer.warning}
        | {"gate": answer.gate.reason if answer.gate else ""}
        for answer in answers
        for row in answer.table()
    ]
    with writing(path), path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["name"])
        writer.writeheader()
        writer.writerows(rows)
