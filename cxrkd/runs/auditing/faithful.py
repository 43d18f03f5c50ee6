"""What an audit says of how true the maps are: deletion and insertion, and what is left of maps without the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrkd.evaluate.inputs import MIN_POSITIVE_PATIENTS
from cxrkd.evaluate.means import Mean, mean_by_patient
from cxrkd.evaluate.record import Record
from cxrkd.explain.cohort_faithful import FIGURES, CohortCascade, CohortFaithful
from cxrkd.explain.faithful import OWN, RIVALS, SENSE
from cxrkd.runs.auditing.lines import ALL_LABELS, AgainstRivals, Beside


@dataclass(frozen=True)
class FaithfulFigures(AgainstRivals):
    """A network's maps while cells go, over present findings: `cohort_faithful.FIGURES`, in units of the logit.

    Rivals are rankings that have not seen the film; `above` is how much better the map is.
    """


@dataclass(frozen=True)
class CascadeFigures(Record):
    """What is left of a network's maps as its weights are drawn anew, over all labels of a few films.

    Attributes:
        member: who.
        shares: share of the layers that are drawn anew.
        left: at each, rank correlation with the original map.
        others: rank correlation of maps of different films.
        above_others: with all layers anew, minus that, paired.
        n_films: how many.
    """

    member: str
    shares: tuple[float, ...]
    left: tuple[Mean, ...]
    others: Mean
    above_others: Mean
    n_films: int

    @property
    def hangs_on_weights(self) -> bool:
        """Without weights nothing is left beyond what maps of different films have in common."""
        return not np.isnan(self.above_others.low) and not self.above_others.above_zero


def measure_faithful(
    member: str, held: CohortFaithful, labels: Sequence[str], patients: np.ndarray
) -> list[FaithfulFigures]:
    """Rows of a network: all labels together, then each that was measured.

    Args:
        member: who.
        held: what was measured.
        labels: K names.
        patients: (N,), of all films.
    """
    whose, rows = np.asarray(patients)[held.films], []
    for label in (ALL_LABELS, *labels):
        chosen = np.ones(len(whose), bool) if label == ALL_LABELS else held.labels == labels.index(label)
        if not chosen.any():
            continue
        for figure in FIGURES:
            own, sense = held.figures[OWN][figure], SENSE[figure]
            mean = mean_by_patient(own[chosen], whose[chosen])
            rivals = tuple(
                Beside(
                    name,
                    mean_by_patient(held.figures[name][figure][chosen], whose[chosen]),
                    mean_by_patient(sense * (own - held.figures[name][figure])[chosen], whose[chosen]),
                )
                for name in RIVALS
            )
            rows.append(FaithfulFigures(member, label, figure, mean, rivals, mean.n_patients >= MIN_POSITIVE_PATIENTS))
    return rows


def measure_cascade(member: str, held: CohortCascade, patients: np.ndarray) -> CascadeFigures:
    """The row of a network."""
    whose = np.asarray(patients)[held.films]
    return CascadeFigures(
        member=member,
        shares=tuple(held.shares.tolist()),
        left=tuple(mean_by_patient(depth, whose) for depth in held.left),
        others=mean_by_patient(held.others, whose),
        above_others=mean_by_patient(held.left[-1] - held.others, whose),
        n_films=len(held.films),
    )


def proofs(faithful: CohortFaithful, cascade: CohortCascade) -> Mapping[str, np.ndarray]:
    """Both as arrays for one file."""
    columns = {f"{name}.{figure}": values for name, of in faithful.figures.items() for figure, values in of.items()}
    fallen = {f"cascade.{name}": getattr(cascade, name) for name in ("films", "shares", "left", "others")}
    return {"films": faithful.films, "labels": faithful.labels} | columns | fallen


def from_proofs(arrays: Mapping[str, np.ndarray]) -> tuple[CohortFaithful, CohortCascade]:
    """What `proofs` made arrays of.

    Raises:
        KeyError: one is missing.
    """
    figures = {name: {figure: arrays[f"{name}.{figure}"] for figure in FIGURES} for name in (OWN, *RIVALS)}
    fallen = (arrays[f"cascade.{name}"] for name in ("films", "shares", "left", "others"))
    return CohortFaithful(arrays["films"], arrays["labels"], figures), CohortCascade(*fallen)
