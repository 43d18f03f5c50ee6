"""What has to be said beside the figures of a validation; command line and pages say the same."""

from __future__ import annotations

from cxrkd.runs.validating.facts import Facts
from cxrkd.text import cut

_NAMES = 300


def answered(facts: Facts) -> str:
    """Whose answers the figures are of, and what their intervals hold."""
    if facts.answered_by == "kept":
        return (
            "Every film is one of the run's own test films: the answers that it keeps, of all seeds, are held against "
            "the labels of this set; no network was asked."
        )
    return (
        "The networks were asked, those of the first seed, whose weights are kept; intervals hold which patients were "
        "met, not how trainings scatter."
    )


def remarks(facts: Facts) -> list[str]:
    """Sentences on what was left out, what is not known, and what was noted on the way."""
    lines = []
    if facts.left_out_films:
        films = "1 film" if facts.left_out_films == 1 else f"{facts.left_out_films:,} films"
        people = "1 patient" if facts.left_out_patients == 1 else f"{facts.left_out_patients:,} patients"
        lines.append(f"Left out: {films} of {people} that the run was trained on.")
    if facts.left_out_findings:
        lines.append(f"Not answered by the run, left out: {_names(facts.left_out_findings)}.")
    if facts.unknown:
        lines.append(f"Not labelled in this set: {_names(facts.unknown)}.")
    return [*lines, *facts.notes]


def _names(labels: tuple[str, ...]) -> str:
    return cut(", ".join(labels), _NAMES)
