"""`MODEL_CARD.md`: what the network is, what it learned from, how good it is and at what, what it is not for.

After Mitchell et al., Model Cards for Model Reporting, FAT* 2019, arXiv 1810.03993. No date, no path and no name of a
person: the same export has the same card.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from cxrkd.checksums import sha256
from cxrkd.config import MEMBER_NAMES, READERS, Member
from cxrkd.config.objective import OBJECTIVES
from cxrkd.evaluate.metrics import LabelMetrics, ModelMetrics
from cxrkd.export.parity import Parity
from cxrkd.export.target import Target
from cxrkd.labels import display_name
from cxrkd.models.network import NETWORKS, network_title, parts_of
from cxrkd.report.provenance import NOT_CLINICAL, versions
from cxrkd.runs import Run
from cxrkd.runs.choosing import PHANTOM_RESULT, PHANTOM_WARNING
from cxrkd.runs.predictions import Predictions
from cxrkd.runs.seen import FILE as SEEN
from cxrkd.runs.seen import Seen, read_seen
from cxrkd.runs.validating.readers import judged_by_radiologists, study_of
from cxrkd.text import MISSING, interval, legible, mean_of, number

CARD = "MODEL_CARD.md"
FIGURES_RULE = (
    "Intervals are 95 %, over patients (jackknife). A finding without enough positive patients has no figure and is "
    "left out of the mean. Accuracy is not given: answering *absent* to everything would score high."
)
LIMITS = (
    "It answers any picture. Whether it is a frontal chest film has to be seen to beforehand.",
    "Probabilities are those of the share of findings in its data; in another clinic they differ, and so do good "
    "thresholds.",
    "Films of other scanners, of children, lateral views and photographs of films were not measured here.",
    "Labels of data sets are partly mined from reports, and wrong in places.",
)


@dataclass(frozen=True)
class Subject:
    """What a card is about: a member of a run in the form of a target, and how that was checked."""

    run: Run
    member: Member
    target: Target
    parity: Parity
    input_size: int


def card(subject: Subject) -> str:
    """The card as Markdown.

    Raises:
        RunError: figures of the run are missing or damaged.
        OSError: the weights cannot be read.
    """
    parts = (_network, _data, _training, _figures, _radiologists, _parity, _limits, _licence, _made_with)
    return "\n\n".join(filter(None, (part(subject) for part in parts))) + "\n"


def _network(subject: Subject) -> str:
    run, member, size = subject.run, subject.member, subject.input_size
    teacher, student = run.config.teacher_arch, run.config.student_arch
    beside = "It is the teacher itself." if member == "teacher" else f"The teacher was {network_title(teacher)}."
    arch = teacher if member == "teacher" else student
    digest = sha256(run.weights_path(member))
    what = f"{'each of ' * (len(run.labels) > 1)}{_counted(len(run.labels), 'finding')}"
    return "\n".join(
        [
            f"# {network_title(arch)}, {MEMBER_NAMES[member].lower()}: a chest X-ray classifier",
            "",
            f"**{NOT_CLINICAL}** A grey frontal chest film of {size} x {size} pixels goes in; out comes a probability "
            f"for {what}: {', '.join(map(_name, run.labels))}. {beside}",
            "",
            f"- Form: {subject.target.title}. {subject.target.sentence}",
            "- Input, its preparation and a worked example: `contract.json`. Thresholds and temperatures: "
            "`thresholds.json`. SHA-256 of each file: `SHA256SUMS`.",
            f"- Weights: run `{run.id}`, {member}, first seed ({run.config.seeds[0]}), SHA-256 `{digest}`.",
        ]
    )


def _data(subject: Subject) -> str:
    data = subject.run.config.data
    reader = READERS[data.kind]
    test, val = (subject.run.predictions(subject.member, split) for split in ("test", "val"))
    seen = read_seen(subject.run) if (subject.run.path / SEEN).exists() else None
    trained = f"The run learned from {_count(seen.at(seen.split == 'train'))}; thresholds" if seen else "Thresholds"
    phantoms = f"\n\n**{PHANTOM_WARNING}** {PHANTOM_RESULT}" if reader.drawn else ""
    return (
        f"## Data\n\n{reader.title}: {reader.sentence} Source: {reader.source}. {trained} and temperatures were "
        f"chosen on {_count(val)}, figures are of {_count(test)}; no patient is in two parts.{phantoms}"
    )


def _count(films: Predictions | Seen) -> str:
    return f"{len(films.ids):,} films of {len(set(films.patients.tolist())):,} patients"


def _training(subject: Subject) -> str:
    config, member = subject.run.config, subject.member
    train = config.teacher_train if member == "teacher" else config.student_train
    objective = OBJECTIVES[config.objective.name]
    also = "".join(f" Together with: {OBJECTIVES[one.name].title}." for one in config.objective.also)
    learned = {
        "teacher": "Binary cross-entropy on the labels." if config.teacher_trained else "It was not trained further.",
        "alone": "The labels' side of the objective alone, without the teacher.",
        "distilled": f"{objective.title}: {objective.sentence} Source: {objective.source}.{also} "
        f"Weight of the labels {config.objective.alpha:g}.",
    }[member]
    facts = f"{train.epochs} epochs at full size and {train.warm_epochs} that grow to it, batches of {train.batch_size}"
    changes = f"; training films changed by: {', '.join(train.changes)}" if train.changes else ""
    weights = config.teacher_weights if member == "teacher" else config.student_weights
    start = f"run `{config.student_from}`" if config.student_from and member != "teacher" else f"weights: {weights}"
    seeds = f"{_counted(len(config.seeds), 'seed')} of the students"
    return f"## Training\n\n{learned} Start from {start}. {facts}{changes}. {seeds}."


def _figures(subject: Subject) -> str:
    metrics = subject.run.metrics()
    own, seeds = metrics.of(subject.member).model, metrics.of(subject.member).over_seeds
    by_seed = ", ".join(number(value) for value in seeds.seed_macro_auroc)
    teacher = None if subject.member == "teacher" else metrics.members.get("teacher")  # its weights may be gone
    lines = [
        f"## Figures on its own test films\n\n{_macro(own, 'This network')}",
        f"Trained anew with each seed: {by_seed}.",
        *([] if teacher is None else [_macro(teacher.model, "Its teacher")]),
        *([] if metrics.trivial is None else [_macro(metrics.trivial, "A model that knows no anatomy")]),
        PHANTOM_RESULT if READERS[subject.run.config.data.kind].drawn else "",
    ]
    return f"{' '.join(filter(None, lines))}\n\n{_by_label(own)}\n\n{FIGURES_RULE}"


def _radiologists(subject: Subject) -> str:
    """What it reaches where radiologists read the films; empty where nobody did."""
    judged = judged_by_radiologists(subject.run)
    if judged is None or subject.member not in judged.metrics().members:
        return ""
    facts, study, own = judged.facts(), study_of(judged), judged.metrics().of(subject.member).model
    readers = f"{len(study.readers)} radiologists" if study else "radiologists"
    known = f"{facts.n_films:,} films of {facts.n_patients:,} patients, read by {readers}."
    return f"## Figures by radiologists\n\n{known} {_macro(own, 'This network')}\n\n{_by_label(own)}"


def _parity(subject: Subject) -> str:
    parity = subject.parity
    text = (
        f"## This file beside PyTorch\n\nChecked on {parity.films}, film by film. Difference of a probability: largest "
        f"{parity.largest:.1e}, mean {parity.mean:.1e}; allowed {subject.target.bounds.prob:g}. "
        f"Mean AUROC {number(parity.macro_auroc, 4)} against {number(parity.macro_auroc_pytorch, 4)} in PyTorch "
        f"({mean_of(parity.n_labels)}); allowed {subject.target.bounds.auroc:g} apart."
    )
    rows = (
        (_name(o.label), *_scientific(o.largest, o.mean), number(o.auroc, 4), number(o.auroc_pytorch, 4))
        for o in parity.labels
    )
    return f"{text}\n\n{_table(('finding', 'largest', 'mean', 'AUROC', 'AUROC in PyTorch'), rows)}"


def _limits(subject: Subject) -> str:
    judged = [label for label, cut in zip(subject.run.labels, _cuts(subject), strict=True) if cut == cut]
    names = ", ".join(map(_name, judged)) or "none"
    called = (
        f"It calls only findings with enough positive patients in validation: {names}. Of the others it gives a "
        "probability that is not judged."
    )
    return "\n".join([f"## Limits\n\n{NOT_CLINICAL}\n", *(f"- {sentence}" for sentence in (called, *LIMITS))])


def _licence(subject: Subject) -> str:
    run = subject.run
    whose = (
        "These weights came with cxrkd and are under the Apache License 2.0, as it is."
        if run.shipped
        else "cxrkd is under the Apache License 2.0; the licence of these weights is for whoever trained them to say."
    )
    return f"## Licence\n\n{whose}{_start_licences(subject)} Terms of the data: {READERS[run.config.data.kind].source}."


def _start_licences(subject: Subject) -> str:
    config = subject.run.config
    teacher = subject.member == "teacher"
    asked = config.teacher_weights if teacher else config.student_weights
    known = [
        NETWORKS[arch].weights().get(asked)
        for arch in parts_of(config.teacher_arch if teacher else config.student_arch)
        if arch in NETWORKS
    ]
    origins = dict.fromkeys(f"{one.origin} ({one.licence})" for one in known if one is not None)
    return f" They started from: {'; '.join(origins)}." if origins else ""


def _made_with(subject: Subject) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in versions().items() if value)
    return f"## Made with\n\n{facts}."


def _macro(model: ModelMetrics, who: str) -> str:
    mean = interval(model.macro_auroc, model.macro_low, model.macro_high)
    return f"{who}: AUROC {mean}, {mean_of(model.n_labels)}, {model.n:,} films of {model.n_patients:,} patients."


def _by_label(model: ModelMetrics) -> str:
    head = ("finding", "positive films", "AUROC", "threshold", "sensitivity", "specificity", "ECE")
    return _table(head, map(_row, model.labels))


def _row(row: LabelMetrics) -> tuple[str, ...]:
    sensitivity, specificity = (
        MISSING if value != value else interval(value, low, high)
        for value, low, high in (
            (row.sensitivity, row.sensitivity_low, row.sensitivity_high),
            (row.specificity, row.specificity_low, row.specificity_high),
        )
    )
    auroc = interval(row.auroc, row.auroc_low, row.auroc_high)
    return (_name(row.label), f"{row.n_pos:,}", auroc, number(row.threshold), sensitivity, specificity, number(row.ece))


def _cuts(subject: Subject) -> Sequence[float]:
    return subject.run.metrics().of(subject.member).thresholds


def _name(label: str) -> str:
    """A label as Markdown that shows it and does nothing else."""
    return escape(legible(display_name(label)), quote=False).replace("|", "\\|")


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _scientific(*values: float) -> tuple[str, ...]:
    return tuple(MISSING if value != value else f"{value:.1e}" for value in values)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
