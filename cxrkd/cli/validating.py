"""`evaluate RUN --kind KIND --folder DIR`: a run measured on films of another data set."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.figures import auroc_table, differences, macro_auroc, quality_table, seeds_text, threshold_table
from cxrkd.cli.output import Report, table
from cxrkd.cli.settings import Flag, add_settings, flag_name, flags
from cxrkd.cli.watching import command, execute_watched
from cxrkd.errors import ConfigError
from cxrkd.text import MISSING, interval, number, over_findings

if TYPE_CHECKING:
    from cxrkd.config import DataConfig
    from cxrkd.runs import Run
    from cxrkd.runs.validating.comparison import Comparison
    from cxrkd.runs.validating.config import ValidationConfig
    from cxrkd.runs.validating.validation import Validation

TABLE = "table"
"""The option that means two things: the CSV of the groups of --by, and with a data set its own table."""
OF_THE_RUN = {"by": "--by", "curves": "--curves", "write": "--write", "labels": "--labels"}
"""Options that are about a run's own test films."""


def data_flags() -> tuple[Flag, ...]:
    """The options of `distill` that say which data set; the side of its images is the run's."""
    named = (flag for flag in flags() if flag.keys[0].startswith("data.") and flag.keys[0] != "data.image_size")
    return tuple(replace(flag, group="Another data set to measure on") for flag in named)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the options that name another data set, and what is done about its patients."""
    add_settings(parser, [flag for flag in data_flags() if flag.attribute != TABLE], defaults=False)
    group = parser.add_argument_group("How it is measured there")
    group.add_argument("--name", metavar="TEXT", help="what to call this validation (default: after run and set)")
    group.add_argument(
        "--readers",
        type=Path,
        metavar="CSV",
        help="what radiologists read on these films, a row for a film and a reader; in the folder or an absolute path",
    )
    group.add_argument(
        "--leave-out",
        action="store_true",
        help="leave out patients that the run was trained on, who otherwise are refused",
    )
    group.add_argument(
        "--other-patients",
        action="store_true",
        help="folder: numbers of patients and names of files mean other people than those of the run, as in another "
        "hospital; only pictures are compared",
    )


def asks_for_data(args: argparse.Namespace) -> bool:
    """Whether a data set is named: by any of its options but --table alone.

    Raises:
        ConfigError: only what belongs to one is.
    """
    named = any(getattr(args, flag.attribute) is not None for flag in data_flags() if flag.attribute != TABLE)
    given = {
        "--name": args.name is not None,
        "--readers": args.readers is not None,
        "--leave-out": args.leave_out,
        "--other-patients": args.other_patients,
    }
    beside = [name for name, is_given in given.items() if is_given]
    if beside and not named:
        raise ConfigError(
            f"{beside[0]} is about films of another data set; say which with --kind KIND and --folder DIR."
        )
    return named


def options_of_others(args: argparse.Namespace) -> dict[str, bool]:
    """The options that say which films of another data set, but its kind and folder: whether each is given."""
    named = (flag for flag in data_flags() if flag.attribute not in ("kind", "folder"))
    return {flag.names[0]: getattr(args, flag.attribute) is not None for flag in named}


def data_config(args: argparse.Namespace, image_size: int) -> DataConfig:
    """The data set that the options name; `--folder` without `--kind` is a folder with a table.

    Raises:
        ConfigError: an option is not of that kind of data set, out of range, or about the run's own films.
    """
    from pydantic import TypeAdapter, ValidationError

    from cxrkd.config import DataConfig
    from cxrkd.refusals import refusals

    wrong = [name for option, name in OF_THE_RUN.items() if getattr(args, option)]
    if wrong:
        raise ConfigError(f"{wrong[0]} is about the run's own test films; leave it out, or leave out the data set.")
    given = {flag.keys[0]: getattr(args, flag.attribute) for flag in data_flags()}
    values = {key.partition(".")[2]: value for key, value in given.items() if value is not None}
    values = {key: str(value) if isinstance(value, Path) else value for key, value in values.items()}
    values = {"kind": "folder", "image_size": image_size} | values
    try:
        config: DataConfig = TypeAdapter(DataConfig).validate_python(values)
    except ValidationError as error:
        sentences = refusals(error, lambda key: flag_name(f"data.{key}", str(values["kind"]))).values()
        raise ConfigError(" ".join(dict.fromkeys(sentences))) from error
    return config


def call(args: argparse.Namespace, run: Run) -> Report:
    """Measure, or show what was measured when nothing has changed since."""
    from cxrkd.runs.validating.making import validation_config

    data = data_config(args, run.config.data.image_size)
    validation_of = partial(validation_config, run, data, args.name, readers=_readers(args, data))
    validation = measured(run, validation_of(other_patients=args.other_patients, leave_out=args.leave_out))
    return report(validation)


def _readers(args: argparse.Namespace, data: DataConfig) -> Path | None:
    """The table of readings: as it is named, or in the folder of the set, as its own table may be.

    Raises:
        ConfigError: it is not there.
    """
    from cxrkd.config import FilesSettings

    if args.readers is None:
        return None
    places = [args.readers, *([data.folder / args.readers] if isinstance(data, FilesSettings) else [])]
    place = next((place for place in places if place.is_file()), None)
    if place is None:
        raise ConfigError(f"--readers: expected a table, got {args.readers}, which is not there. Give its path.")
    return Path(place)


def measured(run: Run, config: ValidationConfig) -> Validation:
    """The finished validation that answers a question: as it is, gone on with, or made.

    Raises:
        KeyboardInterrupt: it was stopped; a sentence on stderr says how to go on.
        CxrkdError: it failed; what its films or settings refuse leaves no folder.
    """
    from cxrkd.errors import DataError
    from cxrkd.jobs.queue import delete
    from cxrkd.runs.validating.making import asked_before, create_validation, is_current

    before = asked_before(run, config)
    current = next((one for one in before if one.state.status == "done" and is_current(one)), None)
    if current is not None:
        return current
    begun = next((one for one in before if one.state.status != "done"), None)
    validation = begun or create_validation(config)
    try:
        execute_watched(validation, command("resume", validation))
    except (ConfigError, DataError):
        delete(validation)
        raise
    for outdated in before:  # only now that there is a newer one
        if outdated.state.status == "done" and not outdated.shipped and outdated != validation:
            delete(outdated)
    return validation


def report(validation: Validation) -> Report:
    """A finished validation."""
    from cxrkd.runs.validating.comparison import compare_with_own

    comparison = compare_with_own(validation)
    return Report(document_of(validation, comparison), lines_of(validation, comparison))


def document_of(validation: Validation, comparison: Comparison) -> dict[str, Any]:
    """Everything, as JSON has it."""
    from cxrkd.runs.validating.readers import study_of
    from cxrkd.runs.validating.wording import answered, remarks

    config, facts = validation.config, validation.facts()
    document: dict[str, Any] = {
        "run": config.run,
        "validation": validation.id,
        "name": config.name,
        "path": str(validation.path),
    }
    document |= {"data": config.data.model_dump(mode="json"), "facts": facts.model_dump(mode="json")}
    document["sentences"] = [answered(facts), *remarks(facts)]
    study = study_of(validation)
    document["readers"] = None if study is None else study.to_dict()
    return document | {"metrics": validation.metrics().to_dict(), "beside_own": comparison.to_dict()}


def lines_of(validation: Validation, comparison: Comparison) -> list[str]:
    """What people read."""
    from cxrkd.runs.validating.wording import answered, remarks

    facts, metrics = validation.facts(), validation.metrics()
    films = "phantom films" if facts.synthetic else "films"
    seeds = "; ".join(f"{who} {one.arch}, seeds {seeds_text(one.seeds)}" for who, one in metrics.members.items())
    head = [
        f"{validation.config.run} on {facts.data}: AUROC on {facts.n_films:,} {films} of {facts.n_patients:,} patients,"
        " 95 % interval",
        seeds,
        answered(facts),
        *remarks(facts),
        "",
    ]
    tables = [*auroc_table(metrics), "", *quality_table(metrics), "", *threshold_table(metrics), ""]
    kept = f"Kept as {validation.id}: python -m cxrkd runs show {validation.id}"
    return [*head, *tables, *differences(metrics), "", *_readers_lines(validation), *beside_table(comparison), "", kept]


def _readers_lines(validation: Validation) -> list[str]:
    """Which radiologists each network reaches, finding by finding; nothing where nobody gave their readings."""
    from cxrkd.evaluate.wording import reach_sentence, reference_sentence
    from cxrkd.runs.validating.readers import study_of

    study = study_of(validation)
    if study is None:
        return []
    rows = []
    for point in (point for label in study.labels for point in study.at(label) if not point.in_reference):
        sensitivity = interval(point.sensitivity, point.sensitivity_low, point.sensitivity_high)
        row = [point.label, point.reader, sensitivity, number(point.specificity)]
        for reach in study.members:
            one = next(one for one in reach.rows if (one.label, one.reader) == (point.label, point.reader))
            row += [interval(one.diff, one.low, one.high, sign=True), one.word]
        rows.append(row)
    head = ["independent readers", "", "sensitivity", "specificity"]
    head += [word for reach in study.members for word in (f"{reach.member} - reader", "")]
    words = [f"{reach.member}: {reach_sentence(reach)}" for reach in study.members]
    return [*table(head, rows), "", *words, reference_sentence(study), ""]


def beside_table(comparison: Comparison) -> list[str]:
    """A row a finding: AUROC on the run's own test films, and here, of each member."""
    members = comparison.members
    rows = []
    for k, label in enumerate(comparison.labels):
        cells = [(one.findings[k].own.auroc, one.findings[k].here.auroc) for one in members.values()]
        rows.append([label, *(f"{number(own)} | {number(here)}" for own, here in cells)])
    first = next(iter(members.values()))
    mean = [f"{number(one.mean_own.auroc)} | {number(one.mean_here.auroc)}" for one in members.values()]
    rows.append([f"mean {over_findings(first.n_both)}", *mean])
    head = ["own test films | here", *("no anatomy" if who == "trivial" else who for who in members)]
    spans = [_mean_line(who, one) for who, one in members.items() if one.n_both]
    return [*table(head, rows), "", *spans]


def _mean_line(who: str, one: Any) -> str:
    a, b = (interval(mean.auroc, mean.low, mean.high) for mean in (one.mean_own, one.mean_here))
    name = "no anatomy" if who == "trivial" else who
    return f"{name}, {over_findings(one.n_both)} that count{'s' * (one.n_both == 1)} on both: {a} on its own, {b} here"


def listing(run: Run) -> tuple[list[dict[str, Any]], list[str]]:
    """The validations of a run that there are, as JSON and as a short table; nothing where there is none."""
    from cxrkd.errors import CxrkdError
    from cxrkd.runs.validating.validation import validations_of

    documents, rows = [], []
    for validation in validations_of(run):
        state = validation.state
        document: dict[str, Any] = {"validation": validation.id, "name": validation.name, "status": state.status}
        try:
            facts, metrics = validation.facts(), validation.metrics()
        except CxrkdError:  # it has not come that far, or `runs check` says more
            rows.append([validation.name, state.status, *[MISSING] * (2 + len(run.members()))])
        else:
            members = {who: one.over_seeds for who, one in metrics.members.items()}
            macros = {who: model.macro_auroc for who, model in members.items()}
            document |= {"data": facts.data, "n_films": facts.n_films, "n_patients": facts.n_patients}
            document |= {"findings": list(facts.findings), "macro_auroc": macros}
            counts = [max((model.n_labels for model in members.values()), default=0)]
            cells = [macro_auroc(members[who]) if who in members else MISSING for who in run.members()]
            rows.append([validation.name, f"{facts.n_films:,}", *map(str, counts), *cells])
        documents.append(document)
    if not rows:
        return documents, []
    width = 3 + len(run.members())
    head = ["measured on", "films", "findings", *run.members()]
    return documents, ["", *table(head, [row[:width] for row in rows])]
