"""What a study shows, in words: the command line, the page and the report say the same."""

from __future__ import annotations

from cxrkd.errors import RunError
from cxrkd.evaluate.paired import MIN_SEEDS
from cxrkd.runs.run import open_run
from cxrkd.studies.figures import HARMED, HELPED, CellFigures, StudyFigures
from cxrkd.text import interval, over_findings

RULE = (
    "A gain is the AUROC of the distilled student minus that of the student alone of the same start, seeds and labels' "
    "side, paired by patient and by seed. It counts as shown where its p value, corrected for the number of gains "
    f"(Holm), is below 0.05 and there are {MIN_SEEDS} seeds or more. Intervals are 95 %, over patients and seeds, and "
    "not corrected. On the front stands what no other network beats in both AUROC and multiply-adds."
)


def verdicts(figures: StudyFigures) -> list[str]:
    """What can be said of the whole, as sentences."""
    if not figures.gains:
        measured = sum(cell.n_seeds > 0 for cell in figures.cells)
        why = "there is no student alone to hold it against, or there are too few positive patients"
        return [f"{measured} of {len(figures.cells)} cells are measured; none has a gain yet: {why}."]
    return [
        *_of_taught(figures.taught),
        *_of_controls([cell for cell in figures.gains if cell.shuffled]),
        *_best(figures),
    ]


def _of_taught(cells: list[CellFigures]) -> list[str]:
    """How often distillation helped, and where most."""
    if not cells:
        return []
    best = max(cells, key=lambda cell: cell.gain.value)
    span = interval(best.gain.value, best.gain.low, best.gain.high, sign=True)
    return [
        f"Distillation helped in {_n(cells, HELPED)} of {len(cells)} cells and did harm in {_n(cells, HARMED)}; in the "
        "others no difference is shown.",
        f"The largest gain is {span} by {best.title}, {over_findings(best.n_labels)}: {best.verdict}.",
    ]


def _of_controls(cells: list[CellFigures]) -> list[str]:
    """What is left of it without knowledge."""
    if not cells:
        return []
    counted = f"helped in {_n(cells, HELPED)} of {len(cells)} cells and harmed in {_n(cells, HARMED)}"
    return [f"Taught by the answers to other films, a control, students were {counted}."]


def _n(cells: list[CellFigures], verdict: str) -> int:
    return sum(cell.verdict == verdict for cell in cells)


def _best(figures: StudyFigures) -> list[str]:
    measured = [cell for cell in figures.cells if cell.auroc.value == cell.auroc.value]
    best = max(measured, key=lambda cell: cell.auroc.value)
    span = interval(best.auroc.value, best.auroc.low, best.auroc.high)
    return [f"The best student is {best.title}, with {span}."]


def n_seeds_remark(figures: StudyFigures) -> str:
    """What is missing for a claim; empty where nothing is."""
    fewest = min((cell.n_seeds for cell in figures.gains), default=MIN_SEEDS)
    return "" if fewest >= MIN_SEEDS else f"From {fewest} seeds; a gain is claimed from {MIN_SEEDS} on."


def runs_gone(figures: StudyFigures) -> str:
    """That runs which figures come from are not on this machine, and what makes them; empty where all are."""
    names = figures.runs
    n_gone = sum(not _is_here(name) for name in names)
    if not n_gone:
        return ""
    which = "Its runs are" if n_gone == len(names) else f"{n_gone} of its {len(names)} runs are"
    return f"{which} not on this machine; the same settings under another name make them here."


def _is_here(name: str) -> bool:
    try:
        open_run(name)
    except RunError:
        return False
    return True
