"""`data`: what a cohort holds, some of its films as pictures, and preparing a data set of real radiographs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.cohort_facts import cohort_lines, describe
from cxrkd.cli.files import writing
from cxrkd.cli.names import find_label
from cxrkd.cli.output import Report, Ticker, table
from cxrkd.errors import ConfigError
from cxrkd.names import file_names
from cxrkd.text import duration, shown

if TYPE_CHECKING:
    from cxrkd.config import DataConfig
    from cxrkd.data.cohort import Cohort
    from cxrkd.data.image_files import ImageFiles
    from cxrkd.data.prepared import Prepared

PICTURE_NAME_BYTES = 200
CHEXPERT_IMAGES = 224_316  # the largest of the published sets
# option -> key of the data config
OPTIONS = {
    "kind": "kind",
    "folder": "folder",
    "patients": "n_patients",
    "data_seed": "seed",
    "image_size": "image_size",
    "uncertain": "uncertain",
    "views": "views",
    "label_set": "labels",
    "published_size": "size",
    "download": "download",
    "table": "table",
}


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb and its own verbs."""
    verb = verbs.add_parser(
        "data", help="prevalence, co-occurrence and split of a data set; sample pictures; preparing"
    )
    actions = verb.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    kinds = actions.add_parser("kinds", parents=[common], help="which data sets can be read, and where they come from")
    kinds.set_defaults(call=list_kinds)
    shown = actions.add_parser("show", parents=[common], help="prevalence, co-occurrence, split check")
    _add_cohort(shown)
    shown.set_defaults(call=show)
    samples = actions.add_parser("samples", parents=[common], help="write films as PNG, with a JSON table of truth")
    _add_cohort(samples)
    samples.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    samples.add_argument("-n", type=int, default=12, dest="count", metavar="N", help="how many (default 12)")
    samples.add_argument("--label", metavar="L", help="only films with this finding")
    samples.set_defaults(call=write_samples)
    prepared = actions.add_parser("prepare", parents=[common], help="decode real radiographs once, ahead of a run")
    _add_cohort(prepared)
    prepared.add_argument("--workers", type=int, metavar="N", help="processes (default: every core)")
    prepared.set_defaults(call=prepare)


def _add_cohort(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", metavar="RUN", help="the cohort of a run, instead of the options below")
    parser.add_argument("--kind", metavar="KIND", help="which data set, see `data kinds` (default phantom)")
    parser.add_argument("--folder", metavar="DIR", help="where the published files were unpacked; not for phantoms")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="side (default 224)")
    parser.add_argument("--data-seed", type=int, metavar="S", help="seed of the phantoms, and of the split (default 0)")
    parser.add_argument("--patients", type=int, metavar="N", help="phantom: number of patients (default 400)")
    parser.add_argument("--uncertain", metavar="HOW", help="chexpert: ignore, zeros or ones (default ignore)")
    parser.add_argument("--views", metavar="WHICH", help="chexpert: frontal or all (default frontal)")
    parser.add_argument("--label-set", metavar="SET", help="padchest: paper19 or torchxrayvision (default paper19)")
    parser.add_argument("--published-size", type=int, metavar="PIXELS", help="chestmnist: 28, 64, 128 or 224")
    parser.add_argument("--download", action="store_true", default=None, help="chestmnist: fetch it when absent")
    parser.add_argument("--table", metavar="CSV", help="folder: the CSV (default labels.csv)")


def cohort_config(args: argparse.Namespace) -> DataConfig:
    """The cohort that the options describe.

    Raises:
        ConfigError: a value is out of range or not for that kind, or --run is combined with others.
    """
    from pydantic import TypeAdapter, ValidationError

    from cxrkd.config import DataConfig
    from cxrkd.runs import open_run

    given = {key: getattr(args, option) for option, key in OPTIONS.items() if getattr(args, option) is not None}
    if args.run and given:
        raise ConfigError("Expected either --run or options that describe a data set, got both.")
    if args.run:
        return open_run(args.run).config.data
    try:
        config: DataConfig = TypeAdapter(DataConfig).validate_python(given)
        return config
    except ValidationError as error:
        first = error.errors()[0]
        where = first["loc"][-1] if first["loc"] else "kind"
        raise ConfigError(f"{where}: {first['msg']}, got {shown(first['input'])}.") from error


def list_kinds(args: argparse.Namespace) -> Report:
    """Every kind of data set."""
    from cxrkd.config import READERS

    kinds = [
        {"kind": name, "title": r.title, "sentence": r.sentence, "source": r.source, "needs": list(r.needs)}
        for name, r in READERS.items()
    ]
    lines = [line for kind in kinds for line in (f"{kind['kind']}: {kind['sentence']}", f"  {kind['source']}")]
    return Report({"kinds": kinds}, lines)


def prepare(args: argparse.Namespace) -> Report:
    """Decode a data set of real radiographs, and say what that took.

    Raises:
        ConfigError: the data set is drawn, not decoded.
    """
    import time

    from cxrkd.data import load_cohort
    from cxrkd.data.image_files import ImageFiles

    ticker, began = Ticker(), time.perf_counter()

    def progress(done: int, total: int) -> None:
        ticker.tell(f"{done:,} of {total:,}")

    cohort = load_cohort(cohort_config(args), progress)
    if not isinstance(cohort.pixels, ImageFiles):
        raise ConfigError(
            "Expected --kind with a data set of real radiographs; phantoms are drawn when a run needs them."
        )
    prepared = cohort.pixels.prepare(progress, args.workers)
    ticker.clear()
    document = prepared_facts(cohort, cohort.pixels, prepared, time.perf_counter() - began)
    return Report(document, _prepared_lines(document))


def prepared_facts(cohort: Cohort, files: ImageFiles, prepared: Prepared, seconds: float) -> dict[str, Any]:
    """Images, bytes and seconds, per 10,000 images and extrapolated to the largest published set."""
    from cxrkd.data.stored import Monochrome1

    n, n_bytes = len(files), (prepared.folder / "images.npy").stat().st_size
    per_image = seconds / prepared.decoded if prepared.decoded else None
    return {
        "name": cohort.name,
        "folder": str(prepared.folder),
        "n": n,
        "notes": list(cohort.notes),
        "monochrome1": sum(isinstance(source, Monochrome1) for source in files.sources),
        "turned_positive": prepared.turned,
        "decoded": prepared.decoded,
        "seconds": seconds,
        "bytes": n_bytes,
        "seconds_per_10000": per_image and per_image * 10_000,
        "bytes_per_10000": n_bytes / n * 10_000,
        "extrapolated": {
            "n": CHEXPERT_IMAGES,
            "seconds": per_image and per_image * CHEXPERT_IMAGES,
            "bytes": n_bytes / n * CHEXPERT_IMAGES,
        },
    }


def _prepared_lines(facts: dict[str, Any]) -> list[str]:
    def takes(seconds: float | None, n_bytes: float) -> str:
        time_ = "" if seconds is None else f"{duration(seconds)}, "
        return f"{time_}{n_bytes / 1e9:.2f} GB"

    kept, turned, doubtful = facts["n"] - facts["decoded"], facts["turned_positive"], facts["monochrome1"]
    more = facts["extrapolated"]
    return [
        f"{facts['name']}: {facts['n']:,} images, {facts['decoded']:,} decoded now, {kept:,} were there",
        f"it is in {facts['folder']}",
        *facts["notes"],
        *([f"{turned:,} of {doubtful:,} MONOCHROME1 films were turned from negative to positive"] if doubtful else []),
        f"this call: {takes(facts['seconds'], facts['bytes'])}",
        f"per 10,000 images: {takes(facts['seconds_per_10000'], facts['bytes_per_10000'])}",
        f"{more['n']:,} images (all of CheXpert) would take {takes(more['seconds'], more['bytes'])}; extrapolated from "
        "this call, files of other sizes differ",
    ]


def show(args: argparse.Namespace) -> Report:
    """Facts of a cohort, without drawing or decoding it."""
    from cxrkd.data import load_cohort

    config = cohort_config(args)
    document = describe(config, load_cohort(config))
    return Report(document, cohort_lines(document))


def write_samples(args: argparse.Namespace) -> Report:
    """Some films of a cohort as pictures."""
    import json

    import numpy as np
    from PIL import Image

    from cxrkd.data import load_cohort

    cohort = load_cohort(cohort_config(args))
    samples: list[dict[str, Any]] = []
    names = file_names(cohort.ids.tolist(), PICTURE_NAME_BYTES)
    for row in _rows(cohort, args.label, args.count):
        film = cohort.film(row)
        with writing(args.out / f"{names[film.name]}.png") as path:
            Image.fromarray(film.tones).save(path)
        labels = [name for name, present in zip(cohort.labels, cohort.positive[row], strict=True) if present]
        facts = {"id": film.name, "patient": film.patient, "view": film.view, "split": str(cohort.split[row])}
        unknown = [name for name, value in zip(cohort.labels, cohort.targets[row], strict=True) if np.isnan(value)]
        samples.append({**facts, "labels": labels, "unknown": unknown, "path": str(path)})
    with writing(args.out / "samples.json") as path:
        path.write_text(json.dumps(samples, indent=1) + "\n", encoding="utf-8")
    body = [[s["id"], s["view"], s["split"], _findings(s)] for s in samples]
    lines = [*table(["image", "view", "split", "findings"], body), f"wrote {len(samples)} pictures to {args.out}"]
    return Report({"samples": samples}, lines)


def _findings(sample: dict[str, Any]) -> str:
    """What is known of a film, for people: no finding is said only where every label is known."""
    return ", ".join(sample["labels"]) or ("unknown" if sample["unknown"] else "no finding")


def _rows(cohort: Cohort, label: str | None, count: int) -> list[int]:
    """The first rows, of those with the label if one is asked for."""
    import numpy as np

    if count < 1:
        raise ConfigError(f"Expected at least one sample, got {count}.")
    k = None if label is None else cohort.labels.index(find_label(cohort.labels, label))
    rows = np.arange(len(cohort)) if k is None else np.flatnonzero(cohort.positive[:, k])
    return [int(row) for row in rows[:count]]
