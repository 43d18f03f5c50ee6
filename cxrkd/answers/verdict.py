"""What an answer comes to in words: which findings a network can call, which it calls, how good it is at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrkd.config import Member
from cxrkd.labels import display_name

NOTHING = "this model can call no finding: none has enough patients in validation for a threshold"


def verdict(called: Sequence[str], judged: Sequence[str], at_most: int | None = None) -> str:
    """What a network says about a film, held against what it can say at all.

    Args:
        called: labels at or above their threshold, in the order in which to name them.
        judged: labels that have a threshold; `called` are among them.
        at_most: names to spell out; all when None.

    >>> verdict([], ["Mass", "Edema"]), verdict(["Edema"], ["Mass", "Edema"])
    ('none of the 2 findings it can call', 'edema, of the 2 findings it can call')
    >>> verdict([], ["Pneumonia"]), verdict(["Pneumonia"], ["Pneumonia"])
    ('not pneumonia, the one finding it can call', 'pneumonia, the one finding it can call')
    >>> verdict(["Mass", "Edema", "Hernia"], list("abcde"), at_most=2)
    'mass, edema and 1 more, of the 5 findings it can call'
    """
    if not judged:
        return NOTHING
    if len(judged) == 1:
        return f"{'' if called else 'not '}{_in_sentence(judged[0])}, the one finding it can call"
    named = f"{_listed(called, at_most)}, of" if called else "none of"
    return f"{named} the {len(judged)} findings it can call"


def _in_sentence(label: str) -> str:
    return display_name(label).lower()


def _listed(labels: Sequence[str], at_most: int | None) -> str:
    names = [_in_sentence(label) for label in labels[:at_most]]
    left = len(labels) - len(names)
    last = f"{left} more" if left else names.pop()
    return f"{', '.join(names)} and {last}" if names else last


@dataclass(frozen=True)
class Standing:
    """How far one network can be relied on, label by label.

    Attributes:
        labels: K names.
        auroc: float64 (K,), on the test patients, of the network that answers; NaN where there are not enough cases.
        low: float64 (K,), lower end of its 95 % interval.
        high: float64 (K,), upper end.
        not_judged: K reasons why the label cannot be called; empty where it can.
    """

    labels: tuple[str, ...]
    auroc: np.ndarray
    low: np.ndarray
    high: np.ndarray
    not_judged: tuple[str, ...]

    def row(self, k: int) -> dict[str, Any]:
        """`auroc`, `auroc_low`, `auroc_high` (None where there are not enough cases) and `not_judged` of label k."""
        figures = {"auroc": self.auroc, "auroc_low": self.low, "auroc_high": self.high}
        known = {name: None if np.isnan(values[k]) else float(values[k]) for name, values in figures.items()}
        return known | {"not_judged": self.not_judged[k]}

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Label -> its `row`, for JSON."""
        return {label: self.row(k) for k, label in enumerate(self.labels)}


def not_judged(standings: Mapping[Member, Standing]) -> dict[str, str]:
    """Label -> why it cannot be called, for the labels that none of these members can call."""
    return {
        label: "; ".join(dict.fromkeys(reasons.values()))
        for label, reasons in _reasons(standings).items()
        if all(reasons.values())
    }


def partly_judged(standings: Mapping[Member, Standing]) -> dict[str, dict[Member, str]]:
    """Label -> who cannot call it and why, for the labels that some of these members can call and some cannot."""
    return {
        label: {member: reason for member, reason in reasons.items() if reason}
        for label, reasons in _reasons(standings).items()
        if any(reasons.values()) and not all(reasons.values())
    }


def _reasons(standings: Mapping[Member, Standing]) -> dict[str, dict[Member, str]]:
    labels = next(iter(standings.values())).labels
    return {label: {m: s.not_judged[k] for m, s in standings.items()} for k, label in enumerate(labels)}
