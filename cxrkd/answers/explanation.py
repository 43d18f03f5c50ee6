"""Why a run's networks answer what they answer: maps of every member and their agreement, for page and command line.

Two kinds with one face, `CamExplanation` and `LimeExplanation`: `heat(member, label)` is a raw signed map to draw,
`agreement(student, label)` compares it with the teacher's. Each holds all labels, so another label costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from scipy.special import expit

from cxrkd.config import Member
from cxrkd.errors import ConfigError
from cxrkd.explain import (
    Agreement,
    Baselines,
    LimeAgreement,
    LimeResult,
    Reference,
    agreement,
    evidence_outside,
    grad_cam,
    lime_agreement,
)
from cxrkd.explain import lime as explain_by_lime
from cxrkd.explain.baselines import N_RANDOM, noisy_maps, random_maps
from cxrkd.explain.segments import Fill
from cxrkd.explain.steps import Steps, in_turn
from cxrkd.models.classifier import Classifier
from cxrkd.plain import plain
from cxrkd.progress import Progress
from cxrkd.runtime import Engine

LIME = "lime"
BATCH = 8
"""Altered films that are shown to a network in one step; CPU engines take a few at a time in any case."""
Step = Callable[[], Any]
TEACHER: Member = "teacher"


class Explanation(Protocol):
    """What both kinds have in common."""

    @property
    def method(self) -> str:
        """One of CAM_METHODS, or "lime"."""

    @property
    def labels(self) -> tuple[str, ...]:
        """K labels."""

    @property
    def probs(self) -> dict[Member, np.ndarray]:
        """Probabilities (K,) by member."""

    def heat(self, member: Member, label: str) -> np.ndarray:
        """Raw signed map (h, w) of one member and label."""

    def strong(self, member: Member, label: str) -> float | None:
        """What strong evidence is for this member and label, in units of its maps; None where it is not known."""

    def agreement(self, student: Member, label: str) -> Agreement | LimeAgreement | None:
        """A student against the teacher; None when the teacher was not asked."""

    def to_dict(self, label: str) -> dict[str, Any]:
        """Everything about one label, for JSON."""


@dataclass(frozen=True)
class CamExplanation:
    """Class-activation maps: `cams` float32 (K, h, w) by member, `lines` by student where there is a teacher.

    `references`, by member, are what the run keeps about other films; empty where it keeps nothing.
    """

    method: str
    labels: tuple[str, ...]
    probs: dict[Member, np.ndarray]
    cams: dict[Member, np.ndarray]
    lines: dict[Member, Baselines]
    references: Mapping[Member, Reference] = field(default_factory=dict)

    def heat(self, member: Member, label: str) -> np.ndarray:
        """Raw signed map (h, w) on the grid of the features."""
        return np.asarray(self.cams[member][self.labels.index(label)])

    def strong(self, member: Member, label: str) -> float | None:
        """Evidence that 95 % of the run's validation films do not exceed; None where none is kept or it is zero."""
        if member not in self.references:
            return None
        return float(self.references[member].strong[self.labels.index(label)]) or None

    def agreement(self, student: Member, label: str) -> Agreement | None:
        """Agreement of student and teacher on one label, with chance line and ceiling."""
        if student not in self.lines:
            return None
        return agreement(self.cams[TEACHER], self.cams[student], self.labels.index(label), self.lines[student])

    def to_dict(self, label: str) -> dict[str, Any]:
        """Method, label, and per member the probability, the raw map and the agreement."""
        members = {m: _about(self, m, label) | {"cam": plain(self.heat(m, label))} for m in self.cams}
        return {"method": self.method, "label": label, "members": members}


@dataclass(frozen=True)
class LimeExplanation:
    """LIME of all members over the same superpixels and the same hidden ones.

    `references`, by member, are Grad-CAMs of other films that the run keeps, for chance lines.
    """

    labels: tuple[str, ...]
    result: LimeResult
    references: Mapping[Member, Reference] = field(default_factory=dict)
    method: str = LIME

    @property
    def probs(self) -> dict[Member, np.ndarray]:
        """Probabilities (K,) by member."""
        return {_member(name): expit(logits.astype(np.float64)) for name, logits in self.result.logits.items()}

    def heat(self, member: Member, label: str) -> np.ndarray:
        """Signed weights painted on their superpixels, (H, W)."""
        return self.result.heat(member, self.labels.index(label))

    def strong(self, member: Member, label: str) -> float | None:
        """Not known: LIME of many films would take hours."""
        return None

    def agreement(self, student: Member, label: str) -> LimeAgreement | None:
        """Agreement of the two weight vectors on one label, with chance line and ceiling."""
        if student == TEACHER or TEACHER not in self.result.weights:
            return None
        kept = self.references.get(student)
        return lime_agreement(self.result, TEACHER, student, self.labels.index(label), kept)

    def to_dict(self, label: str) -> dict[str, Any]:
        """Method, label, settings, and per member the probability, the weights, their fit and the agreement."""
        k, found = self.labels.index(label), self.result
        members = {
            m: _about(self, m, label)
            | {
                "weights": plain(found.weights[m][k]),
                "r2": plain(float(found.r2[m][k])),
                "stability": plain(float(found.stability(m)[k])),
            }
            for m in self.probs
        }
        settings = {"n_samples": found.n_samples, "fill": found.fill, "space": found.space, "seed": found.seed}
        n_segments = int(found.segments.max()) + 1
        return {"method": LIME, "label": label, **settings, "n_segments": n_segments, "members": members}


def explain_cams(
    models: Mapping[Member, Classifier],
    pixels: np.ndarray,
    method: str = "gradcam",
    references: Mapping[Member, Reference] | None = None,
    *,
    steps: Steps = in_turn,
) -> CamExplanation:
    """Maps of every member for all labels, and what agreement is held against.

    Args:
        models: by member, in eval mode; shared ones are fine, nothing on them changes.
        pixels: float32 (S, S) in [0, 1].
        method: one of CAM_METHODS.
        references: by member, from `read_reference` for the same method; without them no agreement is above chance.
        steps: how the passes through the networks are run, one after the other unless told.

    Raises:
        ConfigError: unknown method.
    """
    kept = references or {}
    x = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32))[None, None]
    students = [m for m in models if m != TEACHER and TEACHER in models]
    maps: list[Step] = [partial(grad_cam, model, x, method) for model in models.values()]
    noisy: list[Step] = [partial(noisy_maps, models[TEACHER], x, method)] if students else []
    random: list[Step] = [partial(random_maps, models[m], x, method, i) for m in students for i in range(N_RANDOM)]
    done = iter(steps(maps + noisy + random))
    found = {member: next(done) for member in models}
    under_noise: Any = next(done, None)
    drawn = {m: np.stack([next(done) for _ in range(N_RANDOM)]) for m in students}
    return CamExplanation(
        method=method,
        labels=_labels(models),
        probs={m: expit(r.logits.astype(np.float64)) for m, r in found.items()},
        cams={m: r.cams for m, r in found.items()},
        lines={m: Baselines(under_noise, drawn[m], kept.get(m)) for m in students},
        references=kept,
    )


def explain_lime(
    engines: Mapping[Member, Engine],
    labels: tuple[str, ...],
    pixels: np.ndarray,
    *,
    n_samples: int = 300,
    n_segments: int = 60,
    seed: int = 0,
    fill: Fill = "blur",
    references: Mapping[Member, Reference] | None = None,
    progress: Progress | None = None,
    steps: Steps = in_turn,
) -> LimeExplanation:
    """LIME of every member over one set of superpixels and masks, through their engines.

    `references` are those of Grad-CAM, from `read_reference`; `steps` is how batches of altered films are shown to the
    networks, one after the other unless told.

    Raises:
        ConfigError: too few samples or superpixels, unknown fill.
    """
    predicts = {str(member): engine.predict for member, engine in engines.items()}
    found = explain_by_lime(
        predicts, pixels, n_samples, n_segments, seed, fill, batch_size=BATCH, progress=progress, steps=steps
    )
    return LimeExplanation(labels, found, references or {})


def strong_evidence(found: Explanation, label: str) -> dict[Member, float]:
    """By member what strong evidence for a label is, for `colour_scales`; those are left out that do not know it."""
    known = {member: found.strong(member, label) for member in found.probs}
    return {member: value for member, value in known.items() if value is not None}


def outside(found: Explanation, label: str, body: np.ndarray) -> dict[Member, float]:
    """By member the share of the evidence for a label that lies outside the body; NaN where there is no evidence."""
    return {member: evidence_outside(found.heat(member, label), body) for member in found.probs}


def _about(explanation: Explanation, member: Member, label: str) -> dict[str, Any]:
    k = explanation.labels.index(label)
    found = explanation.agreement(member, label)
    values = {name: plain(value) for name, value in found.to_dict().items()} if found else None
    return {"prob": float(explanation.probs[member][k]), "agreement_with_teacher": values}


def _labels(models: Mapping[Member, Classifier]) -> tuple[str, ...]:
    """The labels that all models share.

    Raises:
        ConfigError: they differ.
    """
    found = {model.labels for model in models.values()}
    if len(found) != 1:
        raise ConfigError("Expected networks that answer the same labels in the same order, got different ones.")
    return found.pop()


def _member(name: str) -> Member:
    return name  # type: ignore[return-value]
