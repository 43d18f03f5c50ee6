"""`explain`: where a run's networks look, as pictures and figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.depth import add_depth, depth_figures, depth_lines
from cxrkd.cli.explainer_settings import add_settings, settings_of
from cxrkd.cli.faithful import add_faithful, faithful_figures, faithful_lines
from cxrkd.cli.files import Failure, flagged, gate_line, read_film, writing
from cxrkd.cli.names import find_label
from cxrkd.cli.options import add_force, add_run_options, engine_for
from cxrkd.cli.output import Report, Ticker, table
from cxrkd.cli.parts import part_lines
from cxrkd.cli.reports import add_report, ending_of, write_report
from cxrkd.cli.sample_films import NOTHING, add_sample, lesion_lines, read_samples, truth_lines
from cxrkd.errors import ConfigError
from cxrkd.names import file_name, file_names, without_image_suffix
from cxrkd.plain import plain
from cxrkd.text import number

if TYPE_CHECKING:
    import numpy as np
    from pydantic import BaseModel

    from cxrkd.answers.calls import Ranked
    from cxrkd.answers.explanation import Explanation
    from cxrkd.config import Member
    from cxrkd.explain.explainer import Explainer, Fit, Network
    from cxrkd.explain.stability import Stability
    from cxrkd.images.film import Film
    from cxrkd.images.gate import Verdict
    from cxrkd.models.classifier import Classifier
    from cxrkd.runs import Run

DEFAULT = "gradcam"
ONE = "Expected one radiograph, got a file and a sample. Leave one of them out."
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
        help="where all networks look on one radiograph, and whether they agree",
        description="Maps of every member, whether it calls the label, how much of its evidence lies outside the body, "
        "and the agreement of each student with the teacher beside its chance lines. "
        "A file that does not look like a frontal chest radiograph is refused (exit code 1).",
    )
    verb.later(_add_arguments)
    verb.set_defaults(call=call)


def _add_arguments(verb: Any) -> None:
    from cxrkd.explain.explainer import EXPLAINERS

    verb.add_argument("file", type=Path, nargs="?", metavar="FILE", help="a radiograph")
    add_sample(verb, several=False)
    verb.add_argument("--label", action="append", metavar="L", help="repeat for several (default: one that is called)")
    titles = ", ".join(f"{name} ({entry.title})" for name, entry in EXPLAINERS.items())
    verb.add_argument("--method", choices=list(EXPLAINERS), default=DEFAULT, help=f"{titles}; default {DEFAULT}")
    add_depth(verb)
    add_faithful(verb)
    add_force(verb)
    add_run_options(verb)
    verb.add_argument("--out", type=Path, metavar="DIR", help="write a picture per label and network, and a JSON file")
    add_report(verb, "a sample of a published data set goes by its name, a file by the hash of its pixels")
    picture = verb.add_argument_group("pictures")
    picture.add_argument("--colormap", default="inferno", help="default inferno; berlin draws evidence against, too")
    picture.add_argument("--opacity", type=float, default=0.5, help="0 to 1 (default 0.5)")
    picture.add_argument("--scale", choices=SCALES, default="strong", help=SCALE_HELP)
    add_settings(verb, {entry.name: entry.config for entry in EXPLAINERS.values() if entry.config})


def call(args: argparse.Namespace) -> Report:
    """Explain one file, unless the radiograph gate flags it, or one sample.

    Raises:
        ConfigError: neither or both were named.
    """
    from cxrkd.answers.calls import ranked
    from cxrkd.answers.explained import about_label
    from cxrkd.explain.body import body_mask
    from cxrkd.explain.explainer import EXPLAINERS
    from cxrkd.runs.choosing import choose_members, choose_run
    from cxrkd.runs.standing import thresholds_of

    if (args.file is None) == (args.sample is None):
        raise ConfigError(NOTHING if args.file is None else ONE)
    form = ending_of(args)
    run = choose_run(args.run, for_films=True)
    members = choose_members(run, args.members)
    asked = [find_label(run.labels, label) for label in args.label or ()]
    settings = settings_of(args, EXPLAINERS[args.method].config)
    samples, provenance = read_samples(run, [args.sample] if args.sample else [])
    image = samples[0] if samples else read_film(args.file, run.config.data.image_size)
    failure = flagged(image, force=args.force)
    if failure is not None:
        return Report(_document(run, image, [], [], [failure]), [], [failure.error])
    models = {member: run.load_model(member) for member in members}
    thresholds = thresholds_of(run, members)

    def first_of(look: Explanation) -> Ranked:
        return ranked(look.labels, look.probs, thresholds)[0]

    def to_explain(look: Explanation) -> list[str]:
        return list(dict.fromkeys(asked)) or [first_of(look).label]

    explanation = _explain(args, run, models, image, settings, to_explain)
    first, labels = first_of(explanation), to_explain(explanation)
    pictures = _write_pictures(args, image, explanation, labels) if args.out else []
    body = body_mask(image.pixels)
    rows = [about_label(explanation, label, thresholds, body, image) for label in labels]
    for label, of_members in faithful_figures(args, models, image, explanation, labels).items():
        for member, figures in of_members.items():
            rows[labels.index(label)]["members"][member]["faithfulness"] = figures
    document = _document(run, image, rows, pictures, []) | {"no_call": first.callers == 0, "samples": provenance}
    if args.depth:
        document["depth"] = depth_figures(run, models, image)
    if args.out:
        _write_json(args, image, document)
    if form:
        remarks = [*([provenance] if provenance else []), *([NO_CALL] if document["no_call"] and not asked else [])]
        document["report"] = _write_report(args, form, run, image, explanation, labels, thresholds, remarks)
    known = [*([f"  {provenance}"] if provenance else []), *truth_lines(image)]
    return Report(document, _lines(document, image.gate, known, chosen=bool(asked), fit=explanation.explainer.fit))


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


def _explain(
    args: argparse.Namespace,
    run: Run,
    models: Mapping[Member, Classifier],
    image: Film,
    settings: BaseModel | None,
    to_explain: Callable[[Explanation], Sequence[str]],
) -> Explanation:
    from cxrkd.answers.explanation import with_baselines
    from cxrkd.answers.refining import first_look, refined
    from cxrkd.explain.explainer import EXPLAINERS
    from cxrkd.explain.steps import in_turn
    from cxrkd.runs.reference import read_reference

    explainer, ticker = EXPLAINERS[args.method], Ticker()
    ticker.tell("loading the networks")
    networks = _networks(explainer, models, engine_for(args.engine, explainer.n_images(settings)))
    kept = read_reference(run, explainer.reference)
    far = [f"{explainer.title}."]  # what is known of how stable it is comes behind
    steps = partial(in_turn, progress=lambda done, n: ticker.tell(f"{' '.join(far)} Step {done} of {n}."))

    def tell(known: Stability) -> None:
        far[1:] = [known.sentence()]

    look = first_look(networks, image.pixels, args.method, settings, kept, steps=steps)
    explanation = refined(look, networks, image.pixels, to_explain(look), steps=steps, tell=tell)
    (explanation,) = with_baselines([explanation], networks, image.pixels[None], steps=steps)
    ticker.clear()
    return explanation


def _networks(explainer: Explainer, models: Mapping[Member, Classifier], engine: str) -> dict[Member, Network]:
    """The networks as the explainer needs them: on an engine, where answers are all that it asks for."""
    from cxrkd.answers.engines import load_engines
    from cxrkd.explain.explainer import ANSWERS, Network

    engines = load_engines(models, engine) if ANSWERS in explainer.needs else {}
    return {m: Network(model, engines[m].predict if m in engines else None) for m, model in models.items()}


def _write_pictures(
    args: argparse.Namespace, image: Film, explanation: Explanation, labels: Sequence[str]
) -> list[str]:
    """A PNG per label and member; returns their paths."""
    from PIL import Image

    from cxrkd.answers.explanation import strong_evidence
    from cxrkd.explain.overlay import SIGNED_COLORMAPS, colour_scales, overlay

    paths, film, names = [], _film_name(image), file_names(explanation.labels)
    for label in labels:
        heats = {member: explanation.heat(member, label) for member in explanation.members}
        signed, strong = args.colormap in SIGNED_COLORMAPS, strong_evidence(explanation, label)
        _, scales = colour_scales(heats, args.scale, strong, signed=signed)
        for member, heat in heats.items():
            rgb = overlay(image.pixels, heat, colormap=args.colormap, opacity=args.opacity, scale=scales[member])
            with writing(args.out / f"{film}-{names[label]}-{args.method}-{member}.png") as path:
                Image.fromarray(rgb).save(path)
            paths.append(str(path))
    return paths


def _write_json(args: argparse.Namespace, image: Film, document: dict[str, Any]) -> None:
    with writing(args.out / f"{_film_name(image)}-{args.method}.json") as path:
        path.write_text(json.dumps(plain(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _write_report(
    args: argparse.Namespace,
    form: str,
    run: Run,
    image: Film,
    explanation: Explanation,
    labels: Sequence[str],
    thresholds: Mapping[Member, np.ndarray],
    remarks: Sequence[str],
) -> str:
    """The report as HTML or JSON; returns its path."""
    from cxrkd.report.film import film_report
    from cxrkd.report.pictures import Look
    from cxrkd.report.provenance import published
    from cxrkd.runs.sample_films import films_of

    films = films_of(run) if args.sample else None
    named = args.names or (films is not None and published(films))
    look = Look(args.colormap, args.opacity, args.scale)
    sheet = film_report(run, image, explanation, labels, thresholds, named=named, look=look, remarks=remarks)
    return write_report(args.report, sheet.text(form))


def _film_name(image: Film) -> str:
    return file_name(without_image_suffix(Path(image.name).name))


def _lines(
    document: Mapping[str, Any], gate: Verdict | None, known: Sequence[str], *, chosen: bool, fit: Fit | None
) -> list[str]:
    """Tables of a label: what each network says and where it looks, and agreement with the teacher."""
    warning = gate_line(gate) + ([f"  WARNING: {document['warning']}"] if document["warning"] else [])
    lines = [document["name"], *(f"  {note}" for note in document["notes"]), *known, *warning]
    if document["no_call"] and not chosen:
        lines += [f"  {NO_CALL}"]
    for one in document["explanations"]:
        lines += ["", f"{one['label']}, {one['method']}", *(f"  {line}" for line in _table(one, fit))]
        lines += [f"  outside: share of the evidence outside the body, which is {one['air']:.0%} of the film"]
        lines += [f"  {one['stability']['sentence']}"] if "stability" in one else []
        lines += lesion_lines(one["members"])
        lines += part_lines(one["members"])
        lines += [f"  {line}" for line in [*_agreements(one), *faithful_lines(one["members"])]]
    lines += depth_lines(document.get("depth", {}))
    written = [*document["pictures"], *([document["report"]] if "report" in document else [])]
    return lines + [""] + [f"wrote {path}" for path in written] if written else lines


def _table(one: Mapping[str, Any], fit: Fit | None) -> list[str]:
    head = ["member", "prob", "threshold", "call", "peak", "outside", *([fit.title] if fit else [])]
    rows = []
    for member, figures in one["members"].items():
        row = [member, number(figures["prob"]), number(figures["threshold"]), figures["call"], _peak(figures["peak"])]
        described = [number(figures[fit.name], 2)] if fit else []
        rows.append([*row, number(figures["evidence_outside_body"], 2), *described])
    return table(head, rows)


def _agreements(one: Mapping[str, Any]) -> list[str]:
    """Agreement of each student with the teacher beside the chance lines and the ceiling; none without a teacher."""
    agreements = {m: row["agreement_with_teacher"] for m, row in one["members"].items()}
    agreements = {m: agreement for m, agreement in agreements.items() if agreement}
    if not agreements:
        return []
    names = list(next(iter(agreements.values()))["lines"])
    rows = []
    for member, agreement in agreements.items():
        chance = [agreement["lines"][name]["high"] for name in names]
        figures = [agreement["spearman"], *chance, agreement["ceiling_spearman"]]
        rows.append([member, *(number(figure, 2, sign=True) for figure in figures)])
    head = ["agreement (Spearman)", "teacher", *(name.replace("_", " ") for name in names), "ceiling"]
    return ["", *table(head, rows), *(f"{member}: {agreement['verdict']}" for member, agreement in agreements.items())]


def _peak(strongest: float) -> str:
    """The strongest evidence for the label, in units of the map."""
    return f"{strongest:.3g}" if strongest > 0 else "nothing for it"
