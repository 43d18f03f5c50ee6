"""`data`: what a cohort of phantoms holds, and some of its films as pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.files import writing
from cxrkd.cli.names import find_label
from cxrkd.cli.output import Report, table
from cxrkd.errors import ConfigError

if TYPE_CHECKING:
    from cxrkd.config import PhantomConfig
    from cxrkd.data.preview import Preview


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb and its own verbs."""
    verb = verbs.add_parser("data", help="prevalence, co-occurrence and split of a phantom cohort; sample pictures")
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


def _add_cohort(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", metavar="RUN", help="the cohort of a run, instead of the three options below")
    parser.add_argument("--patients", type=int, metavar="N", help="number of patients (default 400)")
    parser.add_argument("--data-seed", type=int, metavar="S", help="seed of the cohort (default 0)")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="side (default 224)")


def cohort_config(args: argparse.Namespace) -> PhantomConfig:
    """The cohort that the options describe.

    Raises:
        ConfigError: a value is out of range, or --run is combined with others.
    """
    from pydantic import ValidationError

    from cxrkd.config import PhantomConfig
    from cxrkd.runs import open_run

    given = {"n_patients": args.patients, "seed": args.data_seed, "image_size": args.image_size}
    given = {name: value for name, value in given.items() if value is not None}
    if args.run and given:
        raise ConfigError("Expected either --run or --patients, --data-seed and --image-size, got both.")
    if args.run:
        return open_run(args.run).config.data
    try:
        return PhantomConfig(**given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{first['loc'][0]}: {first['msg']}, got {first['input']!r}.") from error


def show(args: argparse.Namespace) -> Report:
    """Facts of a cohort, without drawing it."""
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
    positive = found.targets > 0.5
    rows = {split: found.rows(split) for split in SPLITS}
    together = positive.astype(int).T @ positive.astype(int)
    return {
        "kind": found.config.kind,
        "config": found.config.model_dump(),
        "synthetic": True,
        "n": len(found),
        "n_patients": len(np.unique(found.patients)),
        "views": {view: int((found.views == view).sum()) for view in ("PA", "AP")},
        "splits": {s: {"n": len(r), "n_patients": len(np.unique(found.patients[r]))} for s, r in rows.items()},
        "patients_in_two_splits": 0,
        "no_finding": int((~positive.any(1)).sum()),
        "labels": {
            label: {"n_pos": int(positive[:, k].sum()), "prevalence": float(positive[:, k].mean())}
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
    pairs = [[str(name), *map(str, row.values())] for name, row in facts["co_occurrence"].items()]
    return [
        f"Phantom radiographs (drawn, not of patients): {facts['n']} images of {facts['n_patients']} patients; "
        f"PA {facts['views']['PA']}, AP {facts['views']['AP']}; no finding {facts['no_finding']}",
        splits,
        "Split check: no patient is in two splits.",
        "",
        *table(head, rows),
        "",
        "Images with both findings:",
        *table(["", *(name[:5] for name in facts["labels"])], pairs),
    ]


def write_samples(args: argparse.Namespace) -> Report:
    """Draw some films of a cohort."""
    import json

    from PIL import Image

    from cxrkd.data.preview import preview

    found = preview(cohort_config(args))
    samples: list[dict[str, Any]] = []
    for row in _rows(found, args.label, args.count):
        film = found.film(row)
        with writing(args.out / f"{film.image_id}.png") as path:
            Image.fromarray(film.pixels).save(path)
        labels = [name for name, there in zip(found.labels, film.labels, strict=True) if there]
        about = {"id": film.image_id, "patient": film.patient, "view": film.view, "split": str(found.split[row])}
        samples.append({**about, "labels": labels, "path": str(path)})
    with writing(args.out / "samples.json") as path:
        path.write_text(json.dumps(samples, indent=1) + "\n", encoding="utf-8")
    body = [[s["id"], s["view"], s["split"], ", ".join(s["labels"]) or "no finding"] for s in samples]
    lines = [*table(["phantom", "view", "split", "findings"], body), f"wrote {len(samples)} pictures to {args.out}"]
    return Report({"samples": samples}, lines)


def _rows(found: Preview, label: str | None, count: int) -> list[int]:
    """The first rows, of those with the label if one is asked for."""
    import numpy as np

    if count < 1:
        raise ConfigError(f"Expected at least one sample, got {count}.")
    k = None if label is None else found.labels.index(find_label(found.labels, label))
    rows = np.arange(len(found)) if k is None else np.flatnonzero(found.targets[:, k] > 0.5)
    return [int(row) for row in rows[:count]]
