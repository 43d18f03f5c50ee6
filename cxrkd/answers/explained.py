"""Everything about one label of an explanation as plain values: for --json, and for the report of a film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cxrkd.answers.calls import call_of
from cxrkd.answers.explanation import outside
from cxrkd.answers.refining import standing
from cxrkd.answers.truth import marked
from cxrkd.explain.lesion import lesion_hit

if TYPE_CHECKING:
    from cxrkd.answers.explanation import Explanation
    from cxrkd.config import Member
    from cxrkd.images.film import Film


def about_label(
    explanation: Explanation, label: str, thresholds: Mapping[Member, np.ndarray], body: np.ndarray, film: Film
) -> dict[str, Any]:
    """What the explanation says of a label, the calls, and how much evidence lies where.

    Args:
        explanation: of the film.
        label: one of its labels.
        thresholds: by member, (K,); NaN where a label is not judged.
        body: bool (S, S), what of the film is body.
        film: whose lesions are asked, where somebody marked them.
    """
    k, row = explanation.labels.index(label), explanation.to_dict(label)
    known = standing(explanation, [label])
    row |= {"stability": known.to_dict()} if known else {}
    for member, share in outside(explanation, label, body).items():
        cut = float(thresholds[member][k])
        call = call_of(float(explanation.probs[member][k]), cut)
        peak = float(explanation.heat(member, label).max())
        row["members"][member] |= {"threshold": cut, "call": call, "evidence_outside_body": share, "peak": peak}
    for name, figures in lesion_figures(film, explanation, label).items():
        row["members"][name]["lesion"] = figures
    return row | {"air": float(1 - body.mean())}


def lesion_figures(film: Film, explanation: Explanation, label: str) -> dict[str, dict[str, Any]]:
    """By member, whether its map looks at the lesion; empty where nobody marked one. See `LesionHit`."""
    mask = marked(film, label)
    if mask is None:
        return {}
    return {str(m): lesion_hit(explanation.heat(m, label), mask).to_dict() for m in explanation.members}
