"""`reproduce`: one of the paper's experiments from the download to its figure, or what that would take here."""

from __future__ import annotations

import argparse
import shlex
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any

from cxrkd.cli.models import download_progress, fetch
from cxrkd.cli.output import Report, Ticker, table
from cxrkd.cli.settings import Flag, add_settings, flags, overridden
from cxrkd.cli.spreading import add_spread, as_another_node
from cxrkd.cli.watching import execute_watched
from cxrkd.errors import ConfigError
from cxrkd.text import MISSING, duration, number, over_findings

if TYPE_CHECKING:
    from cxrkd.config import ObjectiveConfig, RunConfig
    from cxrkd.paper.comparison import Beside, Comparison
    from cxrkd.paper.recipes import Recipe
    from cxrkd.runs import Run
    from cxrkd.runs.disk import Disk
    from cxrkd.runs.speed import Speed

MEMBERS = {"distilled": "student distilled", "alone": "student alone", "teacher": "teacher"}
GB = 1e9


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "reproduce",
        parents=[common],
        help="repeat an experiment of the paper, and print its figure beside the paper's",
        description="Fetches what is missing and public (asking for a recipe is the consent: ChestMNIST and ImageNet "
        "weights), trains teacher and students, and prints the AUROC beside the paper's. Meant for a GPU. The same "
        "command goes on after an interruption, and prints the figures again when it is done. Without a recipe: lists "
        "them. With any setting changed it is an experiment of its own, and no figure of the paper stands beside it; "
        "one that is not given is the recipe's.",
    )
    verb.add_argument("recipe", nargs="?", metavar="RECIPE", help="chestmnist-224, chestxray14, chexpert or padchest")
    verb.add_argument("--dry-run", action="store_true", help="print the recipe, time and disk; download nothing")
    verb.later(lambda parser: add_settings(parser, settings_flags(), defaults=False))
    add_spread(verb)
    verb.set_defaults(call=call)


def settings_flags() -> tuple[Flag, ...]:
    """The settings that may be changed: all but which data set it is, which is what a recipe is about."""
    return tuple(flag for flag in flags() if not {"data.kind", "data.n_patients"} & set(flag.keys))


def call(args: argparse.Namespace) -> Report:
    """List, estimate, or run and compare.

    Raises:
        ConfigError: no such recipe, a setting is out of range, or the folder of the data set is not given.
        CxrkdError: the data set or the weights cannot be had, or the run failed.
    """
    from cxrkd.paper.recipes import find_recipe

    if args.recipe is None:
        return _listing()
    recipe = find_recipe(args.recipe)
    config = overridden(recipe.config.model_dump(mode="json"), args, settings_flags())
    if args.dry_run:
        return _plan(recipe, config, folder_given=args.folder is not None)
    if recipe.needs_folder and args.folder is None:
        raise ConfigError(
            f"Expected the folder that the data set was unpacked into: reproduce {recipe.name} --folder DIR. What it "
            f"would take: reproduce {recipe.name} --dry-run"
        )
    return as_another_node(args, config) or _report(_run(recipe, config), recipe)


def _listing() -> Report:
    """The recipes with the paper's figures."""
    from cxrkd.paper.recipes import RECIPES

    rows = [[r.name, f"{r.published.auroc:.1f}", f"{r.n_images:,}", r.title] for r in RECIPES]
    document = {
        r.name: {"title": r.title, "auroc": r.published.auroc, "source": r.published.source, "images": r.n_images}
        for r in RECIPES
    }
    head = ["recipe", "paper's AUROC", "images", "data"]
    source = f"Paper: EEEA-Net-C2 distilled from DenseNet161, mean AUROC x 100, {RECIPES[0].published.source}."
    return Report({"recipes": document}, [*table(head, rows), source])


def _run(recipe: Recipe, config: RunConfig) -> Run:
    """The finished run of a config: found, gone on with, or made."""
    from cxrkd import runs
    from cxrkd.train.device import device

    run, ticker = runs.find(config), Ticker()
    if run is not None and run.state.status == "done":
        return run
    _fetch(config, ticker)
    run = run or runs.create(config)
    if device().type == "cpu":
        ticker.line(f"No GPU here; what this takes: python -m cxrkd reproduce {recipe.name} --dry-run")
    execute_watched(run, f"the same command, or python -m cxrkd runs resume {shlex.quote(run.id)}")
    return run


def _fetch(config: RunConfig, ticker: Ticker) -> None:
    """Bring weights and data here, with progress, before there is a run."""
    from cxrkd.data import load_cohort
    from cxrkd.data.readers.chestmnist import ChestMnistConfig, npz_path

    if config.download and config.teacher_from is None and config.teacher_weights != "none":
        fetch([config.teacher_arch], config.teacher_weights)
    if config.download and config.student_weights != "none":
        fetch([config.student_arch], config.student_weights)
    if isinstance(config.data, ChestMnistConfig) and not npz_path(config.data).exists():
        ticker.line(f"ChestMNIST at {config.data.size} px is fetched to {npz_path(config.data)}")
        load_cohort(config.data, partial(_tell, ticker))
        ticker.clear()


def _tell(ticker: Ticker, done: int, total: int) -> None:
    ticker.tell(download_progress("ChestMNIST", done, total))


def _plan(recipe: Recipe, config: RunConfig, *, folder_given: bool) -> Report:
    """The recipe, and what it takes on this machine."""
    from cxrkd.data import cohort_size
    from cxrkd.places import home
    from cxrkd.runs.disk import disk, existing_parent
    from cxrkd.runs.estimate import Pace, stage_seconds
    from cxrkd.runs.speed import measure_speed
    from cxrkd.runs.stages import students

    known = folder_given or not recipe.needs_folder
    images = cohort_size(config.data) if known else (recipe.n_images, recipe.n_images * recipe.train_share)
    size, labels = config.data.image_size, _labels(config)
    speeds = {
        "teacher": measure_speed(config.teacher_arch, labels, size, config.teacher_train),
        "student": measure_speed(
            config.student_arch,
            labels,
            config.student_works_at,
            config.student_train,
            config.objective,
            config.teacher_arch,
        ),
    }
    stages = [student.stage for student in students(config)]
    paces = [Pace.of(speed) for speed in speeds.values()]
    seconds = stage_seconds(config, stages, images, *paces)
    bytes_ = disk(config, images[0], len(labels), speeds["teacher"].params, speeds["student"].params)
    document = {
        "recipe": recipe.name,
        "changes": list(recipe.changes(config)),
        "config": config.model_dump(mode="json"),
        "images": {"all": images[0], "train": images[1], "counted": known},
        "speed": {name: speed.to_dict() for name, speed in speeds.items()},
        "seconds": {"total": sum(seconds.values()), **seconds},
        "disk": {"total": bytes_.total, **bytes_.to_dict()},
        "free": shutil.disk_usage(existing_parent(home())).free,
    }
    return Report(document, _plan_lines(recipe, config, document, speeds, bytes_))


def _labels(config: RunConfig) -> tuple[str, ...]:
    """As many labels as the networks will answer; which they are does not matter to their speed."""
    from cxrkd.data.readers import chexpert
    from cxrkd.data.reading import padchest_labels
    from cxrkd.labels import CHESTXRAY14

    own = {"chexpert": chexpert.LABELS, "padchest": padchest_labels.PAPER19}
    return own.get(config.data.kind, CHESTXRAY14)


def _plan_lines(
    recipe: Recipe, config: RunConfig, document: dict[str, Any], speeds: dict[str, Speed], bytes_: Disk
) -> list[str]:
    images, seconds = document["images"], document["seconds"]
    counted = "" if images["counted"] else " (the paper's number; give --folder to count)"
    students = sum(value for name, value in seconds.items() if name.startswith(("alone", "distilled")))
    return [
        *_settings_lines(recipe, config),
        "",
        f"Measured on {speeds['teacher'].device}:",
        *(f"  {_speed_line(who, speed)}" for who, speed in speeds.items()),
        f"Estimate for {images['all']:,.0f} images, {images['train']:,.0f} of them to train on{counted}:",
        f"  {duration(seconds['total'])}: teacher {duration(seconds['teacher'])}, students {duration(students)}, "
        f"teacher's answers {duration(seconds['teacher-logits'])}, data {duration(seconds['data'])}; not counted: "
        "validation after each epoch, the download",
        f"  {_gb(bytes_.total)} of disk, {_gb(document['free'])} are free: download {_gb(bytes_.download)}, prepared "
        f"images {_gb(bytes_.prepared)}, checkpoint {_gb(bytes_.checkpoints)}, weights and answers {_gb(bytes_.kept)}",
    ]


def _settings_lines(recipe: Recipe, config: RunConfig) -> list[str]:
    """The recipe for people."""
    seeds = ", ".join(map(str, config.seeds))
    return [
        f"{recipe.name}: {recipe.title}",
        *_changed_lines(recipe.changes(config)),
        f"  teacher {config.teacher_arch}{_start(config.teacher_weights)}, {_training(config, 'teacher_train')}",
        f"  student {config.student_arch}{_start(config.student_weights)}, {_training(config, 'student_train')}, "
        f"seeds {seeds}{', each also trained alone on its label term' if config.control else ''}",
        f"  objective {_objective(config.objective)}; {config.data.image_size} px",
    ]


def _objective(objective: ObjectiveConfig) -> str:
    """`paper, alpha 0.5, temperature 2, gamma 2, view same`; what is as it would be anyway goes without saying."""
    plain = ("alpha", "temperature", "view", *(["gamma"] if objective.balance == "focal" else []))
    fields = type(objective).model_fields.items()
    usual = {key: [] if key == "also" else field.default for key, field in fields if key not in ("name", *plain)}
    settings = {key: value for key, value in objective.model_dump(mode="json").items() if value != usual.get(key)}
    order = ["name", "alpha", *(key for key in settings if key not in ("name", "alpha", "view")), "view"]
    shown = {key: f"{value:g}" if isinstance(value, float) else str(value) for key, value in settings.items()}
    return ", ".join(shown[key] if key == "name" else f"{key} {shown[key]}" for key in order)


def _start(weights: str) -> str:
    return "" if weights == "none" else f" from {weights} weights"


def _training(config: RunConfig, who: str) -> str:
    train = getattr(config, who)
    warm = f" after {train.warm_epochs} from {train.warm_size} px" if train.warm_epochs else ""
    return (
        f"{train.epochs} epochs{warm}, batch {train.batch_size}, rate {train.learning_rate:g}, {train.precision}"
        f"{', augmented' if train.augment else ''}"
    )


def _changed_lines(changes: tuple[str, ...]) -> list[str]:
    return [f"NOT the paper's recipe, and no reproduction of it: {', '.join(changes)}."] if changes else []


def _speed_line(who: str, speed: Speed) -> str:
    return (
        f"{who} {speed.arch}: trains on {speed.train_images_s:.3g} images/s, answers {speed.predict_images_s:.3g} "
        f"images/s, batch {speed.batch_size}"
    )


def _gb(n_bytes: float) -> str:
    return f"{n_bytes / GB:.1f} GB"


def _report(run: Run, recipe: Recipe) -> Report:
    """Our figures, beside the paper's where the recipe is unchanged."""
    from cxrkd.paper.comparison import compare_with_paper
    from cxrkd.paper.recipes import DIFFERENCES

    comparison = compare_with_paper(run, recipe)
    published = (
        {"auroc": recipe.published.auroc, "source": recipe.published.source} if comparison.reproduction else None
    )
    document = {
        "run": run.id,
        "path": str(run.path),
        "state": run.state.to_dict(),
        "comparison": comparison.to_dict(),
        "published": published,
        "note": recipe.note,
        "differences": list(DIFFERENCES),
        "metrics": run.metrics().to_dict(),
    }
    return Report(document, _report_lines(run, recipe, comparison, DIFFERENCES))


def _report_lines(run: Run, recipe: Recipe, comparison: Comparison, differences: tuple[str, ...]) -> list[str]:
    seeds = ", ".join(
        f"{number(v, 1)} (seed {s})" for v, s in zip(comparison.seed_aurocs, comparison.seeds, strict=True)
    )
    head = f"{run.id} is done; it is in {run.path}"
    what = f"AUROC x 100 on {comparison.n_images:,} test images of {comparison.n_patients:,} patients, 95 % interval:"
    macro = f"macro, {over_findings(comparison.n_labels)}"
    if not comparison.reproduction:
        members = table([macro, "here"], [[MEMBERS[row.name], _ours(row)] for row in comparison.members])
        labels = table(["distilled, label", "here"], [[row.name, _ours(row)] for row in comparison.labels])
        return [head, *_changed_lines(comparison.changes), what, *members, f"distilled: {seeds}", "", *labels]
    columns = ["here", "paper", "difference"]
    published = recipe.published
    quoted = f" Single labels: {published.by_label_source}." if published.by_label else ""
    return [
        head,
        f"{recipe.name}: {recipe.title}. {what}",
        *table([macro, *columns], [[MEMBERS[row.name], *_cells(row)] for row in comparison.members]),
        f"distilled: {seeds}",
        "",
        *table(["distilled, label", *columns], [[row.name, *_cells(row)] for row in comparison.labels]),
        f"Paper: {published.source}.{quoted} {MISSING} where no figure of the paper is known here.",
        "",
        f"Split: {recipe.note}",
        *(f"Ours: {sentence}" for sentence in differences),
    ]


def _cells(row: Beside) -> list[str]:
    return [_ours(row), number(row.paper, 1), number(row.difference, 1, sign=True)]


def _ours(row: Beside) -> str:
    """Ours with its interval."""
    if number(row.ours) == MISSING:
        return "not enough cases"
    return f"{row.ours:.1f} ({row.low:.1f} to {row.high:.1f})"
