"""`data`: what a cohort holds, some of its films as pictures, and preparing a data set of real radiographs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.files import writing
from cxrkd.cli.names import find_label
from cxrkd.cli.output import Report, Ticker, table
from cxrkd.errors import ConfigError
from cxrkd.names import file_names
from cxrkd.text import duration, shown

if TYPE_CHECKING:
    from cxrkd.config import DataConfig
    from cxrkd.data.prepared import Prepared
    from cxrkd.data.preview import Preview

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
    parser.add_argument(
        "--kind", metavar="KIND", help="phantom (default), chestxray14, chexpert, padchest, chestmnist or folder"
    )
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
        found: DataConfig = TypeAdapter(DataConfig).validate_python(given)
        return found
    except ValidationError as error:
        first = error.errors()[0]
        where = first["loc"][-1] if first["loc"] else "kind"
        raise ConfigError(f"{where}: {first['msg']}, got {shown(first['input'])}.") from error


def prepare(args: argparse.Namespace) -> Report:
    """Decode a data set of real radiographs, and say what that took.

    Raises:
        ConfigError: the data set is drawn, not decoded.
    """
    import time

    from cxrkd.config import PhantomConfig
    from cxrkd.data.prepared import prepare

    config = cohort_config(args)
    if isinstance(config, PhantomConfig):
        raise ConfigError(
            "Expected --kind with a data set of real radiographs; phantoms are drawn when a run needs them."
        )
    ticker, began = Ticker(), time.perf_counter()
    found = prepare(config, lambda done, total: ticker.tell(f"{done:,} of {total:,}"), args.workers)
    ticker.clear()
    document = prepared_facts(found, time.perf_counter() - began)
    return Report(document, _prepared_lines(document))


def prepared_facts(found: Prepared, seconds: float) -> dict[str, Any]:
    """Images, bytes and seconds, per 10,000 images and extrapolated to the largest published set."""
    from cxrkd.data.table import Monochrome1

    n, n_bytes = len(found.table), (found.folder / "images.npy").stat().st_size
    per_image = seconds / found.decoded if found.decoded else None
    return {
        "name": found.table.name,
        "folder": str(found.folder),
        "n": n,
        "notes": list(found.table.notes),
        "monochrome1": sum(isinstance(source, Monochrome1) for source in found.table.sources),
        "turned_positive": found.turned,
        "decoded": found.decoded,
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

    there, turned, doubtful = facts["n"] - facts["decoded"], facts["turned_positive"], facts["monochrome1"]
    more = facts["extrapolated"]
    return [
        f"{facts['name']}: {facts['n']:,} images, {facts['decoded']:,} decoded now, {there:,} were there",
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
    from cxrkd.data.preview import preview

    found = preview(cohort_config(args))
    document = describe(found)
    return Report(document, _lines(document))


def describe(found: Preview) -> dict[str, Any]:
    """Counts of images, patients, views, labels and pairs of labels, overall and by split.

    Raises:
        DataError: a patient is in two splits.
    """
    import numpy as np

    from cxrkd.data.cohort import SPLITS, check_no_leak

    check_no_leak(found.patients, found.split)
    positive, known = found.positive, ~np.isnan(found.targets)
    rows = {split: found.rows(split) for split in SPLITS}
    together = positive.astype(int).T @ positive.astype(int)
    return {
        "kind": found.config.kind,
        "name": found.name,
        "config": found.config.model_dump(mode="json"),
        "synthetic": found.synthetic,
        "notes": list(found.notes),
        "n": len(found),
        "n_patients": len(np.unique(found.patients)),
        "views": {view: int((found.views == view).sum()) for view in np.unique(found.views).tolist()},
        "splits": {
            s: {
                "n": len(r),
                "n_patients": len(np.unique(found.patients[r])),
                "unlabelled": int(found.unlabelled[r].sum()),
            }
            for s, r in rows.items()
        },
        "patients_in_two_splits": 0,
        "no_finding": int(found.no_finding.sum()),
        "unlabelled": int(found.unlabelled.sum()),
        "labels": {
            label: {
                "n_pos": int(positive[:, k].sum()),
                "prevalence": float(positive[:, k].sum() / max(1, known[:, k].sum())),
            }
            | {"n_known": int(known[:, k].sum())}
            | {f"n_pos_{split}": int(positive[r, k].sum()) for split, r in rows.items()}
            for k, label in enumerate(found.labels)
        },
        "co_occurrence": {
            label: dict(zip(found.labels, together[k].tolist(), strict=True)) for k, label in enumerate(found.labels)
        },
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    splits = ", ".join(f"{name} {s['n']} images of {s['n_patients']} patients" for name, s in facts["splits"].items())
    head = ["label", "positives", "prevalence", *facts["splits"]]
    rows = [
        [name, str(f["n_pos"]), f"{f['prevalence']:.1%}", *(str(f[f"n_pos_{split}"]) for split in facts["splits"])]
        for name, f in facts["labels"].items()
    ]
    drawn = " (drawn, not of patients)" if facts["synthetic"] else ""
    pairs = [[str(name), *map(str, row.values())] for name, row in facts["co_occurrence"].items()]
    return [
        f"{facts['name']}{drawn}: {facts['n']} images of {facts['n_patients']} patients; "
        f"{', '.join(f'{view} {n}' for view, n in facts['views'].items())}; no finding {facts['no_finding']}",
        splits,
        *_unlabelled_lines(facts),
        "Split check: no patient is in two splits.",
        *facts["notes"],
        "",
        *table(head, rows),
        "",
        "Images with both findings:",
        *table(["", *(name[:5] for name in facts["labels"])], pairs),
    ]


def _unlabelled_lines(facts: dict[str, Any]) -> list[str]:
    if not facts["unlabelled"]:
        return []
    where = ", ".join(f"{name} {s['unlabelled']}" for name, s in facts["splits"].items())
    return [
        f"Unlabelled: {facts['unlabelled']} images ({where}). Those of train teach a distilled student, through its "
        "teacher, and nobody else; those of val and test count for nothing."
    ]


def write_samples(args: argparse.Namespace) -> Report:
    """Some films of a cohort as pictures."""
    import json

    import numpy as np
    from PIL import Image

    from cxrkd.data.preview import preview

    found = preview(cohort_config(args))
    samples: list[dict[str, Any]] = []
    names = file_names(found.ids.tolist(), PICTURE_NAME_BYTES)
    for row in _rows(found, args.label, args.count):
        film = found.film(row)
        with writing(args.out / f"{names[film.image_id]}.png") as path:
            Image.fromarray(film.pixels).save(path)
        labels = [name for name, there in zip(found.labels, found.positive[row], strict=True) if there]
        about = {"id": film.image_id, "patient": film.patient, "view": film.view, "split": str(found.split[row])}
        unknown = [name for name, value in zip(found.labels, found.targets[row], strict=True) if np.isnan(value)]
        samples.append({**about, "labels": labels, "unknown": unknown, "path": str(path)})
    with writing(args.out / "samples.json") as path:
        path.write_text(json.dumps(samples, indent=1) + "\n", encoding="utf-8")
    body = [[s["id"], s["view"], s["split"], _findings(s)] for s in samples]
    lines = [*table(["image", "view", "split", "findings"], body), f"wrote {len(samples)} pictures to {args.out}"]
    return Report({"samples": samples}, lines)


def _findings(sample: dict[str, Any]) -> str:
    """What is known of a film, for people: no finding is said only where every label is known."""
    return ", ".join(sample["labels"]) or ("unknown" if sample["unknown"] else "no finding")


def _rows(found: Preview, label: str | None, count: int) -> list[int]:
    """The first rows, of those with the label if one is asked for."""
    import numpy as np

    if count < 1:
        raise ConfigError(f"Expected at least one sample, got {count}.")
    k = None if label is None else found.labels.index(find_label(found.labels, label))
    rows = np.arange(len(found)) if k is None else np.flatnonzero(found.positive[:, k])
    return [int(row) for row in rows[:count]]
