"""Explanations that get better round by round: a first look, one round more, and whether that is enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from pydantic import BaseModel

from cxrkd.answers.explanation import Explanation, explain
from cxrkd.config import Member
from cxrkd.explain.explainer import EXPLAINERS, Network
from cxrkd.explain.stability import Stability
from cxrkd.explain.steps import Steps, in_turn
from cxrkd.explain.yardsticks import Reference


def first_look(
    networks: Mapping[Member, Network],
    film: np.ndarray,
    method: str,
    settings: BaseModel | None = None,
    references: Mapping[Member, Reference] | None = None,
    *,
    steps: Steps = in_turn,
) -> Explanation:
    """Maps of one film (S, S) that can be drawn soon; those of `explain` where the explainer knows no rounds."""
    rounds = EXPLAINERS[method].rounds
    make = rounds.begin if rounds else None
    return explain(networks, film[None], method, settings, references, steps=steps, make=make)[0]


def standing(explanation: Explanation, labels: Sequence[str] | None = None) -> Stability | None:
    """How stable the maps of these labels are (all where None); None for an explainer that knows no rounds."""
    rounds = explanation.explainer.rounds
    if rounds is None:
        return None
    return rounds.standing(explanation.maps, None if labels is None else _numbers(explanation, labels))


def one_more(
    explanation: Explanation,
    networks: Mapping[Member, Network],
    film: np.ndarray,
    labels: Sequence[str],
    *,
    steps: Steps = in_turn,
) -> Explanation:
    """The same after one round more for these labels; the same where the explainer knows no rounds."""
    rounds = explanation.explainer.rounds
    if rounds is None:
        return explanation
    named = {str(member): network for member, network in networks.items()}
    maps = rounds.more(named, film, explanation.maps, _numbers(explanation, labels), steps)
    return replace(explanation, maps=maps)


def _numbers(explanation: Explanation, labels: Sequence[str]) -> list[int]:
    return [explanation.labels.index(label) for label in labels]


def refined(
    explanation: Explanation,
    networks: Mapping[Member, Network],
    film: np.ndarray,
    labels: Sequence[str],
    *,
    steps: Steps = in_turn,
    tell: Callable[[Stability], None] = lambda known: None,
) -> Explanation:
    """Round after round until the maps of these labels are stable, or no more may be shown; `tell` hears each."""
    while (known := standing(explanation, labels)) is not None and not known.over:
        tell(known)
        explanation = one_more(explanation, networks, film, labels, steps=steps)
    return explanation
