"""`audit`: where the networks of a run look, over many films, and whether that is where they should."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli import validating
from cxrkd.cli.beside import answered
from cxrkd.cli.output import Report, table
from cxrkd.cli.reports import add_report, ending_of, write_report
from cxrkd.errors import ConfigError
from cxrkd.text import number, percent

if TYPE_CHECKING:
    from cxrkd.config import DataConfig
    from cxrkd.evaluate.means import Mean
    from cxrkd.runs import Run
    from cxrkd.runs.auditing.figures import AuditFigures
    from cxrkd.runs.auditing.job import AuditConfig, AuditJob

DEFAULT = "gradcam"
PROOFS_HELP = (
    "at most so many films with a finding whose maps are put to the proof by deletion and insertion (default 32; 0: "
    "none)"
)


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "audit",
        parents=[common],
        help="do students look where their teacher looks, and does anybody look at the lesion? Over many films",
        description="Explains every test film by every network of a run, or the films of another data set (--kind, "
        "--folder), and says of each student whether its maps agree with the teacher's more than chance, and of each "
        "network whether they point at marked lesions more than what has not seen the film. A folder without a table "
        "will do: figures are then over findings that some network calls. A job that can be resumed; "
        "its result is kept beside the run.",
    )
    verb.add_argument("run", nargs="?", metavar="RUN", help="id or folder (default: the first finished run)")
    verb.add_argument("--table", metavar="CSV", help="with --kind folder: its table (default labels.csv)")
    verb.later(_add_arguments)
    verb.set_defaults(call=call, by=None, curves=False, write=False, labels=None)


def _add_arguments(verb: Any) -> None:
    from cxrkd.cli.settings import add_settings
    from cxrkd.explain.cam_family import cams

    titles = ", ".join(f"{name} ({entry.title})" for name, entry in cams().items())
    verb.add_argument("--method", choices=list(cams()), default=DEFAULT, help=f"{titles}; default {DEFAULT}")
    verb.add_argument("--films", type=int, metavar="N", help="at most so many films, drawn at random (default: all)")
    add_report(verb, "films of published data sets go by their names, others by number")
    verb.add_argument("--proofs", type=int, metavar="N", help=PROOFS_HELP)
    add_settings(verb, [flag for flag in validating.data_flags() if flag.attribute != validating.TABLE], defaults=False)


def call(args: argparse.Namespace) -> Report:
    """Audit, or read what an earlier audit of the same weights left.

    Raises:
        CxrkdError: the films are not here, too few were asked for, or the audit failed.
    """
    from cxrkd.runs.auditing.job import AuditConfig, AuditJob
    from cxrkd.runs.auditing.wording import FAITHFUL_RULE, remarks, rule, verdicts
    from cxrkd.runs.beside import asked_about, finished
    from cxrkd.runs.choosing import choose_run

    if args.films is not None and args.films < 2:
        raise ConfigError(f"--films: expected 2 films or more, got {args.films}.")
    form, run = ending_of(args), choose_run(args.run)
    other = _other_films(args, run)
    own = Path(args.folder) if args.folder is not None and other is None else None
    asked = AuditConfig(**asked_about(run, other, own), method=args.method, films=args.films, **_proofs(args.proofs))
    same = (job for job in finished(AuditJob, run) if _question(job.config) == _question(asked))
    job = answered(AuditJob, run, asked, next(same, None) if own is None else None)
    figures = job.figures()
    answers = verdicts(figures)
    document: dict[str, Any] = {"run": run.id, "audit": job.id, "path": str(job.path), "films": job.films_title}
    document |= {
        "method": job.config.method,
        "remarks": remarks(job),
        "verdicts": answers,
        "rule": rule(figures),
        "faithful_rule": FAITHFUL_RULE,
        **figures.to_dict(),
    }
    lines = _lines(run.id, job, figures, answers)
    if form:
        document["report"] = _write_report(args, form, job)
        lines.append(f"wrote {document['report']}")
    return Report(document, lines)


def _other_films(args: argparse.Namespace, run: Run) -> DataConfig | None:
    """The data set that the options name; a folder that has no table, and was given none, is one of films alone."""
    from cxrkd.data.readers.films import FilmsConfig
    from cxrkd.data.readers.folder import FolderConfig

    if args.kind is None:
        return None
    data = validating.data_config(args, run.config.data.image_size)
    if not isinstance(data, FolderConfig) or args.table is not None or (data.folder / data.table).exists():
        return data
    return FilmsConfig(folder=data.folder, image_size=data.image_size)


def _write_report(args: argparse.Namespace, form: str, job: AuditJob) -> str:
    """The report as HTML or JSON; returns its path."""
    from cxrkd.report.audit import audit_report

    return write_report(args.report, audit_report(job, named=args.names).text(form))


def _proofs(asked: int | None) -> dict[str, int]:
    """The setting, where it was given.

    Raises:
        ConfigError: it is negative.
    """
    if asked is not None and asked < 0:
        raise ConfigError(f"--proofs: expected a number of films, 0 or more, got {asked}.")
    return {} if asked is None else {"proofs": asked}


def _question(asked: AuditConfig) -> tuple[Any, ...]:
    """What is asked, wherever the films are now."""
    return asked.data, asked.method, asked.films, asked.proofs


def _lines(run_id: str, job: AuditJob, figures: AuditFigures, answers: list[str]) -> list[str]:
    from cxrkd.cli.audit_faithful import faithful_tables
    from cxrkd.explain.cam_family import cams
    from cxrkd.runs.auditing.wording import FAITHFUL_RULE, remarks, rule

    return [
        f"{run_id}: {cams()[job.config.method].title} on {figures.n} films ({job.films_title}) of "
        f"{figures.n_patients} patients, first seed; 95 % intervals by patient",
        *(f"  {sentence}" for sentence in (*remarks(job), *answers)),
        "",
        *_agreement_table(figures),
        "",
        *_label_table(figures),
        "",
        *_lesion_table(figures),
        *_outside_table(figures),
        "",
        *faithful_tables(figures),
        "",
        rule(figures),
        *([FAITHFUL_RULE] if figures.faithful else []),
        f"It is kept in {job.path}",
    ]


def _agreement_table(figures: AuditFigures) -> list[str]:
    from cxrkd.runs.auditing.wording import of

    first = figures.agreement[0]
    lines = (line.name.replace("_", " ") for line in first.lines)
    head = ["rank correlation with the teacher", "cells", "student", *lines]
    rows = []
    for row in figures.agreement:
        if row.label:
            continue
        chance = [f"{number(line.value.value)}, {of(line.above, sign=True)}" for line in row.lines]
        shares = [number(row.ceiling.value), number(row.other_labels.value), percent(row.above_chance.value)]
        rows.append([row.student, f"{row.cells}, {row.own.n}", of(row.own), *chance, *shares])
    return table([*head, "ceiling", "other labels", "cells above all lines"], rows)


def _label_table(figures: AuditFigures) -> list[str]:
    from cxrkd.runs.auditing.wording import OVER

    pairs = ((student, f"{student}, above the closest line") for student in figures.students)
    head = [OVER[figures.counted], *(title for pair in pairs for title in pair)]
    rows = []
    for label in figures.labels:
        row = [label]
        for student in figures.students:
            one = figures.agreement_of(student, figures.counted, label)
            row += [_mean(one.own), _mean(one.weakest.above, sign=True)] if one.enough else ["not enough cases", ""]
        rows.append(row)
    return table(head, rows)


def _mean(mean: Mean, *, sign: bool = False) -> str:
    from cxrkd.runs.auditing.wording import of

    return of(mean, sign=sign)


def _lesion_table(figures: AuditFigures) -> list[str]:
    titles = {"hit": "points into it", "energy": "evidence in it", "otsu_iou": "IoU after Otsu"}
    rows = []
    for row in figures.lesions:
        if row.label or row.figure not in titles:
            continue
        rivals = [f"{number(rival.value.value)}, {_mean(rival.above, sign=True)}" for rival in row.rivals]
        rows.append([row.member, titles[row.figure], _mean(row.own), *rivals, number(row.area)])
    if not rows:
        return []
    head = [f"{figures.n_marked} marked findings", "figure", "map", "its mean map, above", "middle, above", "area"]
    return [*table(head, rows), ""]


def _outside_table(figures: AuditFigures) -> list[str]:
    from cxrkd.runs.auditing.wording import OVER

    rows = [[row.member, _mean(row.own), number(row.air)] for row in figures.outside]
    return table(["evidence outside the body", OVER[figures.counted], "share of the film"], rows)
