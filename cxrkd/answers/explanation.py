"""Why networks answer what they answer: maps of every member and their agreement, for page and command line.

Two beats: `explain` makes maps, which can be drawn at once; `with_baselines` follows with what agreement is held
against, which takes several times as long. An explanation holds all labels, so another label costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import BaseModel
from scipy.special import expit

from cxrkd.config import Member
from cxrkd.errors import ConfigError
from cxrkd.explain.agreement import compare_cells
from cxrkd.explain.baselines import MakeTwin, baselines, random_twin
from cxrkd.explain.body import evidence_outside
from cxrkd.explain.chance import Judged
from cxrkd.explain.explainer import EXPLAINERS, Explain, Explainer, Maps, Network
from cxrkd.explain.steps import Steps, in_turn
from cxrkd.explain.yardsticks import Baselines, Reference
from cxrkd.plain import plain

TEACHER: Member = "teacher"


@dataclass(frozen=True)
class Explanation:
    """Maps of one film.

    Attributes:
        explainer: that made them.
        labels: K names.
        maps: of every member for all labels.
        settings: of the explainer.
        references: by member, what a run keeps about maps of other films; empty where it keeps nothing.
        baselines: by student, what agreement is held against; None as long as it is not computed.
    """

    explainer: Explainer
    labels: tuple[str, ...]
    maps: Maps
    settings: BaseModel | None = None
    references: Mapping[Member, Reference] = field(default_factory=dict)
    baselines: Mapping[str, Baselines] | None = None

    @property
    def method(self) -> str:
        """Name of the explainer."""
        return self.explainer.name

    @property
    def members(self) -> tuple[Member, ...]:
        """The networks that were explained, in order."""
        return tuple(self.maps.logits)  # type: ignore[arg-type]  # whoever asked named them

    @property
    def probs(self) -> dict[Member, np.ndarray]:
        """Probabilities (K,) by member."""
        return {member: expit(self.maps.logits[member].astype(np.float64)) for member in self.members}

    def heat(self, member: Member, label: str) -> np.ndarray:
        """Raw signed map (h, w) of one member and label, on the explainer's own grid."""
        return np.asarray(self.maps.heat(member, self.labels.index(label)))

    def strong(self, member: Member, label: str) -> float | None:
        """Evidence, in units of the map, that 95 % of the run's validation films do not exceed.

        None where none is kept for this explainer, or where it is zero.
        """
        if member not in self.references or self.explainer.reference != self.method:
            return None
        return float(self.references[member].strong[self.labels.index(label)]) or None

    def agreement(self, student: Member, label: str) -> Judged | None:
        """A student against the teacher, with chance lines and ceiling; None without a teacher or before those."""
        if student not in (self.baselines or {}):
            return None
        lines = (self.baselines or {})[student]
        judge = self.explainer.judge or compare_cells
        return judge(self.maps, TEACHER, student, self.labels.index(label), lines)

    def fit(self, member: Member, label: str) -> float | None:
        """How well the map describes the member, where the explainer knows."""
        if self.explainer.fit is None:
            return None
        return float(self.maps.figures(member, self.labels.index(label))[self.explainer.fit.name])

    def to_dict(self, label: str) -> dict[str, Any]:
        """Method, label, settings, and per member the probability, the raw map and the agreement, for JSON."""
        k = self.labels.index(label)
        members = {
            member: {
                "prob": float(self.probs[member][k]),
                "agreement_with_teacher": _plain_figures(self.agreement(member, label)),
                **{name: plain(value) for name, value in self.maps.figures(member, k).items()},
            }
            for member in self.members
        }
        return {"method": self.method, "label": label, **self.maps.settings(), "members": members}


def explain(
    networks: Mapping[Member, Network],
    films: np.ndarray,
    method: str = "gradcam",
    settings: BaseModel | None = None,
    references: Mapping[Member, Reference] | None = None,
    *,
    steps: Steps = in_turn,
    make: Explain | None = None,
) -> list[Explanation]:
    """Maps of every member for all labels of each film, without what agreement is held against.

    Args:
        networks: by member.
        films: float32 (B, S, S) in [0, 1].
        method: one of EXPLAINERS.
        settings: of the explainer; its defaults where None.
        references: by member, what is kept under the explainer's `reference`; without them no agreement is above
            chance.
        steps: how the passes through the networks are run, one after the other unless told.
        make: what makes the maps, where it is not the explainer's `explain`; see `cxrkd.answers.refining`.

    Raises:
        ConfigError: unknown method, or networks of different labels.
    """
    explainer, labels = EXPLAINERS[method], _labels(networks)
    if settings is None and explainer.config is not None:
        settings = explainer.config()
    named = {str(member): network for member, network in networks.items()}
    maps = (make or explainer.explain)(named, films, settings, steps)
    return [Explanation(explainer, labels, one, settings, references or {}) for one in maps]


def with_baselines(
    explanations: Sequence[Explanation],
    networks: Mapping[Member, Network],
    films: np.ndarray,
    *,
    steps: Steps = in_turn,
    twin: MakeTwin = random_twin,
) -> list[Explanation]:
    """The same explanations with what agreement is held against.

    Args:
        explanations: from one call of `explain` with these networks and films.
        networks: by member.
        films: float32 (B, S, S) in [0, 1].
        steps: how the passes are run; results of one key can be shared, see `cxrkd.explain.baselines`.
        twin: makes random students.
    """
    if not explanations:
        return []
    first, named = explanations[0], {str(member): network for member, network in networks.items()}
    kept = {str(member): reference for member, reference in first.references.items()}
    lines = baselines(first.explainer, named, films, first.settings, kept, teacher=TEACHER, steps=steps, twin=twin)
    return [replace(one, baselines=own) for one, own in zip(explanations, lines, strict=True)]


def strong_evidence(explanation: Explanation, label: str) -> dict[Member, float]:
    """By member what strong evidence for a label is, for `colour_scales`; those are left out that do not know it."""
    known = {member: explanation.strong(member, label) for member in explanation.members}
    return {member: value for member, value in known.items() if value is not None}


def outside(explanation: Explanation, label: str, body: np.ndarray) -> dict[Member, float]:
    """By member the share of the evidence for a label that lies outside the body; NaN where there is no evidence."""
    return {member: evidence_outside(explanation.heat(member, label), body) for member in explanation.members}


def _plain_figures(judged: Judged | None) -> dict[str, Any] | None:
    return None if judged is None else {name: plain(value) for name, value in judged.to_dict().items()}


def _labels(networks: Mapping[Member, Network]) -> tuple[str, ...]:
    """The labels that all networks share.

    Raises:
        ConfigError: they differ.
    """
    labels = {network.classifier.labels for network in networks.values()}
    if len(labels) != 1:
        raise ConfigError("Expected networks that answer the same labels in the same order, got different ones.")
    return labels.pop()
