"""A finished run beside the paper's figures, or beside nothing where it is another experiment."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cxrkd.evaluate.record import Record
from cxrkd.paper.recipes import Recipe
from cxrkd.runs.run import Run


@dataclass(frozen=True)
class Beside(Record):
    """One AUROC x 100, ours and the paper's.

    Attributes:
        name: a member of the run, or a label.
        ours: mean over seeds, with `low` and `high`, its 95 % interval; NaN without enough cases.
        paper: NaN where the paper's figure is not known, or belongs to another experiment.
    """

    name: str
    ours: float
    low: float
    high: float
    paper: float = math.nan

    @property
    def difference(self) -> float:
        """Ours minus the paper's, points; NaN where either is missing."""
        return self.ours - self.paper

    def to_dict(self) -> dict[str, object]:
        """Plain values; NaN becomes None."""
        return super().to_dict() | {"difference": None if math.isnan(self.difference) else self.difference}


@dataclass(frozen=True)
class Comparison(Record):
    """What a run of a recipe gave.

    Attributes:
        recipe: name.
        changes: settings that are not the recipe's; none makes it a reproduction.
        members: macro AUROC of distilled student, student alone and teacher, over `n_labels` labels; the paper's is
            over all of them, so it stands there only where all have enough cases.
        labels: AUROC of the distilled student on each label.
        seeds: of the students. seed_aurocs: macro AUROC x 100 of the distilled student of each.
        n_images: test images behind the figures. n_patients: of so many patients.
    """

    recipe: str
    changes: tuple[str, ...]
    members: tuple[Beside, ...]
    labels: tuple[Beside, ...]
    n_labels: int
    seeds: tuple[int, ...]
    seed_aurocs: tuple[float, ...]
    n_images: int
    n_patients: int

    @property
    def reproduction(self) -> bool:
        """Whether it is the recipe, unchanged."""
        return not self.changes

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return super().to_dict() | {"reproduction": self.reproduction}


def compare_with_paper(run: Run, recipe: Recipe) -> Comparison:
    """The figures of a finished run; the paper's stand beside them only where no setting was changed.

    Raises:
        RunError: the run has not come that far.
    """
    metrics, changes = run.metrics(), recipe.changes(run.config)
    distilled = metrics.of("distilled")
    figures = {name: member.over_seeds for name, member in metrics.members.items()}
    order = [name for name in ("distilled", "alone", "teacher") if name in figures]
    n_labels = distilled.over_seeds.n_labels
    macro = {"distilled": recipe.published.auroc if not changes and n_labels == len(metrics.labels) else math.nan}
    by_label = {} if changes else recipe.published.by_label
    return Comparison(
        recipe=recipe.name,
        changes=changes,
        members=tuple(
            _beside(name, m.macro_auroc, m.macro_low, m.macro_high, macro.get(name, math.nan))
            for name, m in ((name, figures[name]) for name in order)
        ),
        labels=tuple(
            _beside(m.label, m.auroc, m.auroc_low, m.auroc_high, by_label.get(m.label, math.nan))
            for m in distilled.over_seeds.labels
        ),
        n_labels=n_labels,
        seeds=distilled.seeds,
        seed_aurocs=tuple(100 * value for value in distilled.over_seeds.seed_macro_auroc),
        n_images=distilled.over_seeds.n,
        n_patients=distilled.over_seeds.n_patients,
    )


def _beside(name: str, ours: float, low: float, high: float, paper: float) -> Beside:
    return Beside(name, 100 * ours, 100 * low, 100 * high, paper)
