"""Are a network's maps of a film true? What the page and the command line say of an explanation beside its agreement.

Four questions, in the order of their price: does a map change when the film does not, does it hang on the weights, does
the logit go with the cells that the map names, and does it still where hidden pixels are imputed (ROAD)?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrkd.answers.explanation import Explanation
from cxrkd.config import Member
from cxrkd.explain.agreement import against
from cxrkd.explain.baselines import NO_MAPS, MakeTwin, all_heats
from cxrkd.explain.cascade import N_BLOCKS, N_SEEDS, cascade
from cxrkd.explain.chance import ChanceLine, line
from cxrkd.explain.explainer import Network
from cxrkd.explain.faithful import DELETION, GAIN, INSERTION, ROAD, Faithfulness, Held, faithfulness, n_films
from cxrkd.explain.removal import Compose, blurred
from cxrkd.explain.road import imputed
from cxrkd.explain.sensitivity import N_DRAWS, change_to_others, max_sensitivity
from cxrkd.explain.steps import Steps, in_turn
from cxrkd.plain import plain

N_PAIRS_IMPUTED = 2
"""Pairs of random rankings for ROAD, whose films take longer to make than to answer."""
MANY = 16
"""Films from which on an explainer is too dear to be asked again and again."""


@dataclass(frozen=True)
class Steadiness:
    """How maps of a label change with the film, and with the weights.

    Attributes:
        sensitivity: largest change under noise that nobody sees, in lengths of the map.
        other_films: how far maps of other films are, likewise; NaN where none are kept.
        shares: float64 (D,), share of the layers that are drawn anew.
        left: float64 (D,), rank correlation with the original map.
        other_film: line of the rank correlation with maps of other films.
    """

    sensitivity: float
    other_films: float
    shares: np.ndarray
    left: np.ndarray
    other_film: ChanceLine

    @property
    def hangs_on_weights(self) -> bool | None:
        """Without weights a map is no more like itself than one of another film; None where that is not known."""
        if self.other_film.missing or np.isnan(self.left[-1]):
            return None
        return bool(self.left[-1] <= self.other_film.high)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        high = plain(self.other_film.high)
        return {
            "max_sensitivity": plain(self.sensitivity),
            "change_to_other_films": plain(self.other_films),
            "cascade": {"shares": plain(self.shares), "spearman": plain(self.left), "other_film": high},
            "hangs_on_weights": self.hangs_on_weights,
        }


@dataclass(frozen=True)
class FilmFaithfulness:
    """A network's map of a label put to the proof.

    Attributes:
        blurred: while cells are hidden by the film's blur.
        imputed: while they are imputed.
        steadiness: None of explainers that show a network so many films that asking again would take too long.
    """

    blurred: Faithfulness
    imputed: Faithfulness
    steadiness: Steadiness | None

    def held(self) -> list[Held]:
        """Every figure beside its chance lines."""
        return [*(self.blurred.held(figure) for figure in (DELETION, INSERTION, GAIN)), self.imputed.held(ROAD)]

    def to_dict(self) -> dict[str, Any]:
        """For JSON, with the curves."""
        own = self.blurred.own
        curves = {name: None if own is None else plain(getattr(own, name)) for name in (DELETION, INSERTION)}
        steady = {} if self.steadiness is None else self.steadiness.to_dict()
        return {held.figure: held.to_dict() for held in self.held()} | {"curves": curves} | steady


def price(explanation: Explanation) -> int:
    """Films that each network is shown for one label, about."""
    again = 0 if explanation_is_dear(explanation) else 1 + N_DRAWS + 1 + N_BLOCKS * N_SEEDS
    return n_films() + n_films(N_PAIRS_IMPUTED) - 1 + again


def explanation_is_dear(explanation: Explanation) -> bool:
    """Whether its explainer is not asked again for other films and weights."""
    return explanation.explainer.n_images(explanation.settings) > MANY


def removal_of(
    explanation: Explanation,
    networks: Mapping[Member, Network],
    film: np.ndarray,
    label: str,
    *,
    impute: bool = False,
    steps: Steps = in_turn,
) -> dict[Member, Faithfulness]:
    """Deletion and insertion, or with `impute` ROAD, for some members.

    Args:
        explanation: of this film.
        networks: by member, on any engine.
        film: float32 (S, S) in [0, 1].
        label: which.
        impute: impute hidden cells rather than blur them.
        steps: how batches are shown.
    """
    k, named = explanation.labels.index(label), {str(member): network for member, network in networks.items()}
    means = {
        str(member): reference.label_means.mean(axis=0)
        for member, reference in explanation.references.items()
        if member in networks and len(reference.label_means)
    }
    maps = {name: all_heats(explanation.maps, name) for name in named}
    compose: Compose = imputed(film) if impute else blurred(film)
    key = ("removal", impute, explanation.method, explanation.settings, *(one.key for one in named.values()))
    asked = {"n_pairs": N_PAIRS_IMPUTED} if impute else {}
    of = faithfulness(named, film, maps, means, [k], compose, steps, key, whole=not impute, **asked)
    return {member: of[str(member)][k] for member in networks}


def steadiness_of(
    explanation: Explanation,
    member: Member,
    network: Network,
    film: np.ndarray,
    label: str,
    *,
    steps: Steps = in_turn,
    twin: MakeTwin | None = None,
) -> Steadiness | None:
    """How a member's map changes with the film and with the weights; None of a dear explainer.

    Args:
        explanation: of this film.
        member: whose.
        network: itself, not its engine.
        film: float32 (S, S) in [0, 1].
        label: which.
        steps: how the passes are run.
        twin: makes random networks; drawn here if not given.
    """
    if explanation_is_dear(explanation):
        return None
    k, explainer, settings = explanation.labels.index(label), explanation.explainer, explanation.settings
    heats = all_heats(explanation.maps, str(member))
    sensitivity = max_sensitivity(explainer, network, film, settings, steps)
    fallen = cascade(explainer, network, film[None], settings, steps=steps, twin=twin)
    reference = explanation.references.get(member)
    kept = NO_MAPS if reference is None else reference.other_films  # of a teacher a run keeps none
    change = float(change_to_others(heats, kept)[k]) if len(kept) else float("nan")
    held = line("other_film", against(heats[k], kept[:, k]) if len(kept) else None)
    return Steadiness(float(sensitivity[k]), change, fallen.shares, fallen.left[:, 0, k], held)


def put_to_proof(
    explanation: Explanation,
    networks: Mapping[Member, Network],
    film: np.ndarray,
    label: str,
    *,
    steps: Steps = in_turn,
    twin: MakeTwin | None = None,
) -> dict[Member, FilmFaithfulness]:
    """All of it, for one label; `price` says how many films it takes."""
    hidden = removal_of(explanation, networks, film, label, steps=steps)
    filled = removal_of(explanation, networks, film, label, impute=True, steps=steps)
    return {
        member: FilmFaithfulness(
            hidden[member],
            filled[member],
            steadiness_of(explanation, member, network, film, label, steps=steps, twin=twin),
        )
        for member, network in networks.items()
    }
