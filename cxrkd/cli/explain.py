"""`explain`: where a run's networks look, as pictures and figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.files import Failure, flagged, gate_line, read_input, writing
from cxrkd.cli.names import find_label
from cxrkd.cli.options import add_force, add_run_options, engine_for
from cxrkd.cli.output import Report, Ticker, number, plain, table
from cxrkd.names import file_name, file_names, without_image_suffix

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.config import Member
    from cxrkd.images import Verdict
    from cxrkd.models import Classifier
    from cxrkd.runs import Run
    from cxrkd.runs.answer import Input
    from cxrkd.runs.explanation import Explanation

METHODS = ("gradcam", "hirescam", "gradcam++", "xgradcam", "layercam", "lime")


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "explain",
        parents=[common],
        help="Grad-CAM and its kin, or LIME, of all networks on one radiograph",
        description="Maps of every member, and the agreement of each student with the teacher beside its chance line. "
        "A file that does not look like a frontal chest radiograph is refused (exit code 1).",
    )
    verb.add_argument("file", type=Path, metavar="FILE", help="a radiograph")
    verb.add_argument("--label", action="append", metavar="L", help="repeat for several (default: the most probable)")
    verb.add_argument("--method", choices=METHODS, default="gradcam", help="default gradcam")
    add_force(verb)
    add_run_options(verb)
    verb.add_argument("--out", type=Path, metavar="DIR", help="write a picture per label and network, and a JSON file")
    picture = verb.add_argument_group("pictures")
    picture.add_argument("--colormap", default="inferno", help="default inferno; berlin draws evidence against, too")
    picture.add_argument("--opacity", type=float, default=0.5, help="0 to 1 (default 0.5)")
    picture.add_argument("--shared-scale", action="store_true", help="one colour scale for all networks")
    lime = verb.add_argument_group("lime")
    lime.add_argument("--samples", type=int, default=300, help="images shown to each network (default 300)")
    lime.add_argument("--segments", type=int, default=60, help="about how many superpixels (default 60)")
    lime.add_argument("--seed", type=int, default=0, help="of the masks (default 0)")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Explain one file, unless the radiograph gate flags it."""
    from cxrkd.runs.answer import choose_members, choose_run

    run = choose_run(args.run, for_films=True)
    members = choose_members(run, args.members)
    asked = [find_label(run.labels, label) for label in args.label or ()]
    image = read_input(args.file, run.config.data.image_size)
    failure = flagged(image, force=args.force)
    if failure is not None:
        return Report(_document(run, image, [], [], [failure]), [], [failure.error])
    found = _explain(args, {member: run.load_model(member) for member in members}, image)
    labels = list(dict.fromkeys(asked)) or [_most_probable(found)]
    pictures = _write_pictures(args, image, found, labels) if args.out else []
    document = _document(run, image, [found.to_dict(label) for label in labels], pictures, [])
    if args.out:
        _write_json(args, document)
    return Report(document, _lines(document, image.gate))


def _document(
    run: Run, image: Input, explanations: list[Any], pictures: list[str], failures: Sequence[Failure]
) -> dict[str, Any]:
    from cxrkd.runs.answer import warning_for

    return {
        "run": run.id,
        "name": image.name,
        "sha256": image.sha256,
        "notes": list(image.notes),
        "warning": warning_for(run, image.real),
        "gate": image.gate and image.gate.to_dict(),
        "explanations": explanations,
        "pictures": pictures,
        "failures": [failure.to_dict() for failure in failures],
    }


def _explain(args: argparse.Namespace, models: Mapping[Member, Classifier], image: Input) -> Explanation:
    from cxrkd.runs.answer import load_engines
    from cxrkd.runs.explanation import LIME, explain_cams, explain_lime

    if args.method != LIME:
        return explain_cams(models, image.pixels, args.method)
    ticker = Ticker()
    ticker.tell("loading the networks")
    engines = load_engines(models, engine_for(args.engine, args.samples))
    labels = next(iter(models.values())).labels
    options = {"n_samples": args.samples, "n_segments": args.segments, "seed": args.seed}
    found = explain_lime(
        engines, labels, image.pixels, **options, progress=lambda done, n: ticker.tell(f"LIME, sample {done} of {n}")
    )
    ticker.clear()
    return found


def _most_probable(found: Explanation) -> str:
    """What the first member (the teacher, if asked) holds most probable, among the labels that it knows."""
    import numpy as np

    probs = next(iter(found.probs.values()))
    return found.labels[int(np.nanargmax(probs))]


def _write_pictures(args: argparse.Namespace, image: Input, found: Explanation, labels: Sequence[str]) -> list[str]:
    """A PNG per label and member; returns their paths."""
    from PIL import Image

    from cxrkd.explain import overlay

    paths, film, names = [], _film_name(args), file_names(found.labels)
    for label in labels:
        heats = {member: found.heat(member, label) for member in found.probs}
        scale = _scale(args, heats)
        for member, heat in heats.items():
            rgb = overlay(image.pixels, heat, colormap=args.colormap, opacity=args.opacity, scale=scale)
            with writing(args.out / f"{film}-{names[label]}-{args.method}-{member}.png") as path:
                Image.fromarray(rgb).save(path)
            paths.append(str(path))
    return paths


def _scale(args: argparse.Namespace, heats: Mapping[Member, np.ndarray]) -> float | None:
    """The evidence at the end of the colour map; None lets each picture have its own."""
    from cxrkd.explain import SIGNED_COLORMAPS, shared_scale

    return shared_scale(heats.values(), signed=args.colormap in SIGNED_COLORMAPS) if args.shared_scale else None


def _write_json(args: argparse.Namespace, document: dict[str, Any]) -> None:
    with writing(args.out / f"{_film_name(args)}-{args.method}.json") as path:
        path.write_text(json.dumps(plain(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _film_name(args: argparse.Namespace) -> str:
    return file_name(without_image_suffix(args.file.name))


def _lines(document: Mapping[str, Any], gate: Verdict | None) -> list[str]:
    """A table a label: probability, peak of the map, and agreement between its chance line and its ceiling."""
    warning = gate_line(gate) + ([f"  WARNING: {document['warning']}"] if document["warning"] else [])
    lines = [document["name"], *(f"  {note}" for note in document["notes"]), *warning]
    for one in document["explanations"]:
        lines += ["", f"{one['label']}, {one['method']}", *(f"  {line}" for line in _table(one))]
    return lines + [""] + [f"wrote {path}" for path in document["pictures"]] if document["pictures"] else lines


def _table(one: Mapping[str, Any]) -> list[str]:
    chance = "other labels" if one["method"] == "lime" else "random student"
    head = ["member", "prob", "peak", *(["fit R2"] if one["method"] == "lime" else [])]
    rows = []
    for member, said in one["members"].items():
        agreement = said["agreement_with_teacher"] or {}
        low = agreement.get("other_labels_spearman" if one["method"] == "lime" else "chance_high_spearman")
        fit = [number(said["r2"], 2)] if one["method"] == "lime" else []
        figures = [agreement.get("spearman"), low, agreement.get("ceiling_spearman")]
        shown = (number(figure, 2, sign=True) for figure in figures)
        rows.append([member, number(said["prob"]), _peak(said), *fit, *shown])
    return table([*head, "agreement (Spearman)", chance, "ceiling"], rows)


def _peak(said: Mapping[str, Any]) -> str:
    """The strongest evidence for the label, in units of the map."""
    rows = said["cam"] if "cam" in said else [said["weights"]]
    strongest = max(max(row) for row in rows)
    return f"{strongest:.3g}" if strongest > 0 else "nothing for it"
