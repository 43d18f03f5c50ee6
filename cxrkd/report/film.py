"""The report of one film: what the networks answer, where they look, whether they agree more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cxrkd.answers.calls import call_of
from cxrkd.answers.explained import about_label
from cxrkd.answers.explanation import strong_evidence
from cxrkd.answers.truth import marked
from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.explain.body import body_mask
from cxrkd.images.encoded import data_uri
from cxrkd.images.film import SHORT
from cxrkd.images.radiograph import digest_of_tones
from cxrkd.labels import display_name
from cxrkd.report.pictures import Look, bare, colour_bar, with_maps
from cxrkd.report.provenance import NOT_CLINICAL, about_run, stamp, versions
from cxrkd.report.sheet import Sheet, Table
from cxrkd.runs.choosing import PHANTOM_RESULT, warning_for
from cxrkd.text import minus, number, percent

if TYPE_CHECKING:
    from cxrkd.answers.explanation import Explanation
    from cxrkd.images.film import Film
    from cxrkd.runs import Run

VERSION = 1
_LESION_ROWS = {
    "energy": "Evidence inside it",
    "area": "… what a map without knowledge gets: its share of the film",
    "iou": "IoU with as many of the hottest pixels",
    "otsu_iou": "IoU after Otsu's threshold",
}


def film_report(
    run: Run,
    film: Film,
    explanation: Explanation,
    labels: Sequence[str],
    thresholds: Mapping[Member, np.ndarray],
    *,
    named: bool = False,
    look: Look | None = None,
    remarks: Sequence[str] = (),
    now: datetime | None = None,
) -> Sheet:
    """The report.

    Args:
        run: whose networks were asked.
        film: what they were shown.
        explanation: of it, with what agreement is held against.
        labels: which of its labels are shown, one at least.
        thresholds: by member, (K,); NaN where a label is not judged.
        named: the film's name may be told. A file's name may be a patient's: without this the film goes by its hash.
        look: how maps are drawn.
        remarks: sentences that have to be read beside the figures.
        now: when it is made, if not now.

    Raises:
        OSError: weights cannot be read.
        DataError: the film cannot be read again for its hash.
    """
    look, body = look or Look(), body_mask(film.pixels)
    rows = [about_label(explanation, label, thresholds, body, film) for label in labels]
    warning, answers = warning_for(run, film.real), _answers(explanation, thresholds)
    document = {
        "report": "film",
        "version": VERSION,
        "notice": NOT_CLINICAL,
        "made": stamp(now),
        "run": about_run(run),
        "film": _about_film(film, named=named),
        "remarks": [*([warning] if warning else []), *([] if film.real else [PHANTOM_RESULT]), *remarks],
        "method": {"name": explanation.method, "title": explanation.explainer.title}
        | {"sentence": explanation.explainer.sentence, "settings": explanation.maps.settings()},
        "answers": answers,
        "explanations": rows,
        "drawn": {"colormap": look.colormap, "opacity": look.opacity, "scale": look.scale},
        "versions": versions(),
    }
    content = {
        "member_names": MEMBER_NAMES,
        "title": _title(film, named=named),
        "answers": _answers_table(answers, set(labels)),
        "shown": [_shown(film, explanation, row, look) for row in rows],
    }
    return Sheet(document, "film.html", content)


def _title(film: Film, *, named: bool) -> str:
    return _name(film) if named else f"Film {film.sha256[:SHORT]}"


def _name(film: Film) -> str:
    """Its name without the folder that it came from."""
    return Path(film.name).name


def _about_film(film: Film, *, named: bool) -> dict[str, Any]:
    """Which film; never the patient, and of a file nothing of its header."""
    known = {
        "name": _name(film) if named else None,
        "pixels_sha256": film.sha256,
        "input_sha256": digest_of_tones(film.tones),
    }
    gate, truth = film.gate and film.gate.to_dict(), film.truth and film.truth.to_dict()
    return known | {"input_size": len(film.tones), "notes": list(film.notes), "gate": gate, "truth": truth}


def _answers(explanation: Explanation, thresholds: Mapping[Member, np.ndarray]) -> list[dict[str, Any]]:
    """A row a label: what each network answers, its threshold, and whether that is a call."""
    probs = explanation.probs
    return [
        {
            "label": label,
            "members": {
                str(m): {"prob": float(probs[m][k]), "threshold": float(thresholds[m][k])}
                | {"call": call_of(float(probs[m][k]), float(thresholds[m][k]))}
                for m in explanation.members
            },
        }
        for k, label in enumerate(explanation.labels)
    ]


def _answers_table(answers: Sequence[Mapping[str, Any]], shown: set[str]) -> Table:
    members = list(answers[0]["members"])
    head = ["Finding", *(title for m in members for title in (MEMBER_NAMES[m], "threshold", ""))]
    rows = [
        [display_name(row["label"]), *(cell for m in members for cell in _call(row["members"][m]))] for row in answers
    ]
    return Table(head, rows, strong=frozenset(i for i, row in enumerate(answers) if row["label"] in shown))


def _call(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return percent(one["prob"]), percent(one["threshold"]), one["call"]


def _shown(film: Film, explanation: Explanation, row: Mapping[str, Any], look: Look) -> dict[str, Any]:
    """One label: its pictures, and its figures as tables."""
    label, mask = row["label"], marked(film, row["label"])
    heats = {str(m): explanation.heat(m, label) for m in explanation.members}
    strong = {str(m): value for m, value in strong_evidence(explanation, label).items()}
    drawn = with_maps(film.pixels, heats, look, strong, mask)
    notes = {m: _note(row["members"][m]) for m in drawn}
    pictures = [{"title": "Film", "note": "without a map", "uri": data_uri(bare(film.pixels, mask)), "alt": "The film"}]
    pictures += [
        {"title": MEMBER_NAMES[m], "note": notes[m], "uri": data_uri(rgb)}
        | {"alt": f"{MEMBER_NAMES[m]}, {display_name(label)}: {notes[m]}"}
        for m, rgb in drawn.items()
    ]
    return {
        "title": display_name(label),
        "pictures": pictures,
        "bar": colour_bar(heats, look, explanation.explainer.unit, strong),
        "marked": mask is not None,
        "air": percent(row["air"], 0),
        "lines": explanation.explainer.lines,
        "verdicts": _verdicts(explanation, label),
        "agreement": _agreement(explanation, label),
        "lesion": _lesion(row),
        "fit": _fit(explanation, label),
    }


def _note(figures: Mapping[str, Any]) -> str:
    share = figures["evidence_outside_body"]
    where = "no positive evidence" if share is None or np.isnan(share) else f"{percent(share, 0)} outside the body"
    return f"{percent(figures['prob'])}, {figures['call']}; {where}"


def _judged(explanation: Explanation, label: str) -> dict[str, Any]:
    pairs = ((str(m), explanation.agreement(m, label)) for m in explanation.members)
    return {member: judged for member, judged in pairs if judged is not None}


def _verdicts(explanation: Explanation, label: str) -> list[str]:
    return [
        f"Teacher and {MEMBER_NAMES[m].lower()}: {minus(number(one.spearman, 2))}, {one.verdict}."
        for m, one in _judged(explanation, label).items()
    ]


def _agreement(explanation: Explanation, label: str) -> Table | None:
    """A row a figure, a column a student; None without a teacher."""
    columns = {m: one.rows() for m, one in _judged(explanation, label).items()}
    if not columns:
        return None
    titles = list(next(iter(columns.values())))
    rows = [[title, *(minus(number(column[title], 2)) for column in columns.values())] for title in titles]
    return Table(["Teacher and …", *(MEMBER_NAMES[m] for m in columns)], rows)


def _lesion(row: Mapping[str, Any]) -> Table | None:
    """A row a figure, a column a network; None where nobody marked a lesion."""
    hits = {m: figures["lesion"] for m, figures in row["members"].items() if "lesion" in figures}
    if not hits:
        return None
    peaks = ["Peak inside it", *("yes" if hit["hit"] else "no" for hit in hits.values())]
    rows = [[title, *(number(hit[name], 2) for hit in hits.values())] for name, title in _LESION_ROWS.items()]
    return Table(["Marked lesion", *(MEMBER_NAMES[m] for m in hits)], [peaks, *rows])


def _fit(explanation: Explanation, label: str) -> str:
    """How well the maps describe the networks, in words; empty where the explainer does not know."""
    if explanation.explainer.fit is None:
        return ""
    fits = ", ".join(f"{MEMBER_NAMES[m].lower()} {number(explanation.fit(m, label), 2)}" for m in explanation.members)
    return f"{explanation.explainer.fit.sentence}: {fits}. Low means read with care."
