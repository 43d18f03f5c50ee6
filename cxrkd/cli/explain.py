"""`explain`: where a run's networks look, as pictures and figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.files import Failure, flagged, gate_line, read_film, writing
from cxrkd.cli.names import find_label
from cxrkd.cli.options import add_force, add_run_options, engine_for
from cxrkd.cli.output import Report, Ticker, table
from cxrkd.names import file_name, file_names, without_image_suffix
from cxrkd.plain import plain
from cxrkd.text import number

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.answers.explanation import Explanation
    from cxrkd.config import Member
    from cxrkd.images import Film, Verdict
    from cxrkd.models import Classifier
    from cxrkd.runs import Run

METHODS = ("gradcam", "hirescam", "gradcam++", "xgradcam", "layercam", "lime")
SCALES = ("strong", "shared", "own")
NO_CALL = "No network calls a finding on this film; shown is the label that is held most probable."
SCALE_HELP = (
    "what gets the strongest colour: evidence that 95%% of the run's validation films do not exceed (strong, default; "
    "shared where the run does not know it), the most in any of the maps (shared), the most in each map (own)"
)


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "explain",
        parents=[common],
        help="Grad-CAM and its kin, or LIME, of all networks on one radiograph",
        description="Maps of every member, whether it calls the label, how much of its evidence lies outside the body, "
        "and the agreement of each student with the teacher beside its chance lines. "
        "A file that does not look like a frontal chest radiograph is refused (exit code 1).",
    )
    verb.add_argument("file", type=Path, metavar="FILE", help="a radiograph")
    verb.add_argument("--label", action="append", metavar="L", help="repeat for several (default: one that is called)")
    verb.add_argument("--method", choices=METHODS, default="gradcam", help="default gradcam")
    add_force(verb)
    add_run_options(verb)
    verb.add_argument("--out", type=Path, metavar="DIR", help="write a picture per label and network, and a JSON file")
    picture = verb.add_argument_group("pictures")
    picture.add_argument("--colormap", default="inferno", help="default inferno; berlin draws evidence against, too")
    picture.add_argument("--opacity", type=float, default=0.5, help="0 to 1 (default 0.5)")
    picture.add_argument("--scale", choices=SCALES, default="strong", help=SCALE_HELP)
    lime = verb.add_argument_group("lime")
    lime.add_argument("--samples", type=int, default=300, help="images shown to each network (default 300)")
    lime.add_argument("--segments", type=int, default=60, help="about how many superpixels (default 60)")
    lime.add_argument("--seed", type=int, default=0, help="of the masks (default 0)")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Explain one file, unless the radiograph gate flags it."""
    from cxrkd.answers.calls import ranked
    from cxrkd.explain import body_mask
    from cxrkd.runs.choosing import choose_members, choose_run
    from cxrkd.runs.standing import thresholds_of

    run = choose_run(args.run, for_films=True)
    members = choose_members(run, args.members)
    asked = [find_label(run.labels, label) for label in args.label or ()]
    image = read_film(args.file, run.config.data.image_size)
    failure = flagged(image, force=args.force)
    if failure is not None:
        return Report(_document(run, image, [], [], [failure]), [], [failure.error])
    found = _explain(args, run, {member: run.load_model(member) for member in members}, image)
    thresholds = thresholds_of(run, members)
    first = ranked(found.labels, found.probs, thresholds)[0]
    labels = list(dict.fromkeys(asked)) or [first.label]
    pictures = _write_pictures(args, image, found, labels) if args.out else []
    body = body_mask(image.pixels)
    told = [_told(found, label, thresholds, body) for label in labels]
    document = _document(run, image, told, pictures, []) | {"no_call": first.callers == 0}
    if args.out:
        _write_json(args, document)
    return Report(document, _lines(document, image.gate, chosen=bool(asked)))


def _told(found: Explanation, label: str, thresholds: Mapping[Member, np.ndarray], body: np.ndarray) -> dict[str, Any]:
    """Everything about one label: that of the explanation, the calls, and how much evidence lies outside the body."""
    from cxrkd.answers.calls import call_of
    from cxrkd.answers.explanation import outside

    k, told = found.labels.index(label), found.to_dict(label)
    for member, share in outside(found, label, body).items():
        cut = float(thresholds[member][k])
        call = call_of(float(found.probs[member][k]), cut)
        told["members"][member] |= {"threshold": cut, "call": call, "evidence_outside_body": share}
    return told | {"air": float(1 - body.mean())}


def _document(
    run: Run, image: Film, explanations: list[Any], pictures: list[str], failures: Sequence[Failure]
) -> dict[str, Any]:
    from cxrkd.runs.choosing import warning_for

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


def _explain(args: argparse.Namespace, run: Run, models: Mapping[Member, Classifier], image: Film) -> Explanation:
    from cxrkd.answers.engines import load_engines
    from cxrkd.answers.explanation import LIME, explain_cams, explain_lime
    from cxrkd.runs.reference import read_reference

    if args.method != LIME:
        return explain_cams(models, image.pixels, args.method, read_reference(run, args.method))
    ticker = Ticker()
    ticker.tell("loading the networks")
    engines = load_engines(models, engine_for(args.engine, args.samples))
    labels = next(iter(models.values())).labels
    found = explain_lime(
        engines,
        labels,
        image.pixels,
        n_samples=args.samples,
        n_segments=args.segments,
        seed=args.seed,
        references=read_reference(run, "gradcam"),
        progress=lambda done, n: ticker.tell(f"LIME, sample {done} of {n}"),
    )
    ticker.clear()
    return found


def _write_pictures(args: argparse.Namespace, image: Film, found: Explanation, labels: Sequence[str]) -> list[str]:
    """A PNG per label and member; returns their paths."""
    from PIL import Image

    from cxrkd.answers.explanation import strong_evidence
    from cxrkd.explain import SIGNED_COLORMAPS, colour_scales, overlay

    paths, film, names = [], _film_name(args), file_names(found.labels)
    for label in labels:
        heats = {member: found.heat(member, label) for member in found.probs}
        signed, strong = args.colormap in SIGNED_COLORMAPS, strong_evidence(found, label)
        _, scales = colour_scales(heats, args.scale, strong, signed=signed)
        for member, heat in heats.items():
            rgb = overlay(image.pixels, heat, colormap=args.colormap, opacity=args.opacity, scale=scales[member])
            with writing(args.out / f"{film}-{names[label]}-{args.method}-{member}.png") as path:
                Image.fromarray(rgb).save(path)
            paths.append(str(path))
    return paths


def _write_json(args: argparse.Namespace, document: dict[str, Any]) -> None:
    with writing(args.out / f"{_film_name(args)}-{args.method}.json") as path:
        path.write_text(json.dumps(plain(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _film_name(args: argparse.Namespace) -> str:
    return file_name(without_image_suffix(args.file.name))


def _lines(document: Mapping[str, Any], gate: Verdict | None, *, chosen: bool) -> list[str]:
    """Tables of a label: what each network says and where it looks, and agreement with the teacher."""
    warning = gate_line(gate) + ([f"  WARNING: {document['warning']}"] if document["warning"] else [])
    lines = [document["name"], *(f"  {note}" for note in document["notes"]), *warning]
    if document["no_call"] and not chosen:
        lines += [f"  {NO_CALL}"]
    for one in document["explanations"]:
        lines += ["", f"{one['label']}, {one['method']}", *(f"  {line}" for line in _table(one))]
        lines += [f"  outside: share of the evidence outside the body, which is {one['air']:.0%} of the film"]
        lines += [f"  {line}" for line in _agreements(one)]
    return lines + [""] + [f"wrote {path}" for path in document["pictures"]] if document["pictures"] else lines


def _table(one: Mapping[str, Any]) -> list[str]:
    head = ["member", "prob", "threshold", "call", "peak", "outside", *(["fit R2"] if one["method"] == "lime" else [])]
    rows = []
    for member, said in one["members"].items():
        fit = [number(said["r2"], 2)] if one["method"] == "lime" else []
        row = [member, number(said["prob"]), number(said["threshold"]), said["call"], _peak(said)]
        rows.append([*row, number(said["evidence_outside_body"], 2), *fit])
    return table(head, rows)


def _agreements(one: Mapping[str, Any]) -> list[str]:
    """Agreement of each student with the teacher beside the chance lines and the ceiling; none without a teacher."""
    found = {m: said["agreement_with_teacher"] for m, said in one["members"].items() if said["agreement_with_teacher"]}
    if not found:
        return []
    names = list(next(iter(found.values()))["lines"])
    rows = []
    for member, agreement in found.items():
        chance = [agreement["lines"][name]["high"] for name in names]
        figures = [agreement["spearman"], *chance, agreement["ceiling_spearman"]]
        rows.append([member, *(number(figure, 2, sign=True) for figure in figures)])
    head = ["agreement (Spearman)", "teacher", *(name.replace("_", " ") for name in names), "ceiling"]
    return ["", *table(head, rows), *(f"{member}: {agreement['verdict']}" for member, agreement in found.items())]


def _peak(said: Mapping[str, Any]) -> str:
    """The strongest evidence for the label, in units of the map."""
    rows = said["cam"] if "cam" in said else [said["weights"]]
    strongest = max(max(row) for row in rows)
    return f"{strongest:.3g}" if strongest > 0 else "nothing for it"
