"""Does a network call a finding on a film? And which label of a film is worth opening first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import logit

from cxrkd.config import Member

Call = Literal["called", "not called", "not judged"]


def call_of(prob: float, threshold: float) -> Call:
    """Whether a probability reaches its threshold; "not judged" where either is NaN.

    >>> call_of(0.3, 0.2), call_of(0.1, 0.2), call_of(0.3, float("nan"))
    ('called', 'not called', 'not judged')
    """
    if np.isnan(prob) or np.isnan(threshold):
        return "not judged"
    return "called" if prob >= threshold else "not called"


@dataclass(frozen=True)
class Ranked:
    """A label, and how many networks call it on a film."""

    label: str
    callers: int


def ranked(
    labels: Sequence[str], probs: Mapping[Member, np.ndarray], thresholds: Mapping[Member, np.ndarray]
) -> list[Ranked]:
    """The labels of a film, the one to show first on top.

    First those that most networks call, and of these the one whose probability is farthest above its threshold (in
    logits, mean over the networks that call it); then, called by none, what the first network (the teacher, if asked)
    holds most probable; last what it was never taught.

    Args:
        labels: K names.
        probs: by member, (K,); NaN for a label that a network was never taught.
        thresholds: by member, (K,); NaN where the label is not judged.
    """
    called = np.stack([probs[m] >= thresholds[m] for m in probs])  # False beside NaN
    margins = np.stack([_logit(probs[m]) - _logit(thresholds[m]) for m in probs])
    callers = called.sum(axis=0)
    above = np.where(called, margins, 0).sum(axis=0) / np.maximum(callers, 1)
    first = np.nan_to_num(next(iter(probs.values())), nan=-1.0)
    order = sorted(range(len(labels)), key=lambda k: (callers[k], above[k], first[k]), reverse=True)
    return [Ranked(labels[k], int(callers[k])) for k in order]


def _logit(probs: np.ndarray) -> np.ndarray:
    """Finite also at 0 and 1."""
    return np.asarray(logit(np.clip(probs, 1e-12, 1 - 1e-12)))
