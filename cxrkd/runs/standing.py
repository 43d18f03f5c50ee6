"""How far a run's networks can be relied on: which labels each can call, why not the others, and its thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cxrkd.answers.verdict import Standing
from cxrkd.config import Member
from cxrkd.evaluate.thresholds import MIN_THRESHOLD_PATIENTS
from cxrkd.runs.metrics import MemberMetrics
from cxrkd.runs.predictions import Predictions
from cxrkd.runs.run import METRICS, Run

UNTAUGHT = "this model was never taught it"
NO_NEGATIVE = "no validation patient is known not to have it"
NO_THRESHOLD = "no threshold was chosen when this run was made"


def standing(run: Run, member: Member) -> Standing:
    """How far a member of a run can be relied on.

    Raises:
        RunError: the run has no figures or no kept predictions of the member.
    """
    return standing_from(run.metrics().of(member), run.predictions(member, "val"))


def standing_from(figures: MemberMetrics, val: Predictions) -> Standing:
    """The same from a member's figures and what it said on the validation images, both of K labels."""
    rows = figures.model.labels
    auroc, low, high = (np.array([getattr(r, n) for r in rows], float) for n in ("auroc", "auroc_low", "auroc_high"))
    reasons = [_why_not(figures.thresholds[k], val, k) for k in range(len(rows))]
    return Standing(tuple(row.label for row in rows), auroc, low, high, tuple(reasons))


def _why_not(threshold: float, val: Predictions, k: int) -> str:
    """Why a label has no threshold; empty where it has one."""
    if not np.isnan(threshold):
        return ""
    if np.isnan(val.logits[0][:, k]).any():
        return UNTAUGHT
    targets = val.targets[:, k]
    positive = len(np.unique(val.patients[targets == 1]))
    if positive < MIN_THRESHOLD_PATIENTS:
        patients = "patient" if positive < 2 else "patients"
        return f"{positive or 'no'} positive {patients} in validation, {MIN_THRESHOLD_PATIENTS} are needed"
    return NO_THRESHOLD if (targets == 0).any() else NO_NEGATIVE


def thresholds_of(run: Run, members: Sequence[Member]) -> dict[Member, np.ndarray]:
    """Thresholds (K,) by member; NaN for a run that has not been measured, whose labels are then not judged.

    Raises:
        RunError: its figures are damaged, or lack a member.
    """
    if not (run.path / METRICS).exists():
        return {member: np.full(len(run.labels), np.nan) for member in members}
    return {member: run.thresholds(member) for member in members}
