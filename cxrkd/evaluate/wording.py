"""What figures show, in words: the command line and the pages say the same."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cxrkd.evaluate.paired import MIN_SEEDS, PairedDifference
from cxrkd.evaluate.readers import ABOVE, BELOW, WITHIN_CHANCE, MemberReach, ReaderStudy
from cxrkd.evaluate.stress import StressMetrics, StressRow
from cxrkd.text import NOT_ENOUGH, number


def gain_verdict(gain: PairedDifference) -> str:
    """What the gain of distillation shows; a claim needs three trainings, and an interval that leaves zero out."""
    if math.isnan(gain.macro_diff):
        return "Too few positive patients to measure a gain."
    if gain.n_seeds == 1:
        return f"From one training, whose scatter is not known; a gain is claimed from {MIN_SEEDS} on."
    if gain.n_seeds < MIN_SEEDS:
        return f"From {gain.n_seeds} trainings; a gain is claimed from {MIN_SEEDS} on."
    if not gain.excludes_zero:
        return "The interval of the gain, over patients and seeds, holds zero: no difference is shown."
    effect = "distillation helped" if gain.macro_diff > 0 else "distillation did harm"
    return f"The interval of the gain, over patients and seeds, leaves zero out: {effect}."


def reference_sentence(study: ReaderStudy) -> str:
    """Which readers the reference was made from, and what that means for their points."""
    made = [name for name, inside in zip(study.readers, study.in_reference, strict=True) if inside]
    if not made:
        return "No majority of readers is the reference, so every reader is independent of it."
    return f"The reference is the majority of {', '.join(made)}: it flatters them, so they are shown and not counted."


def reach_sentence(reach: MemberReach) -> str:
    """How many points of independent readers a network reaches, and how many of these differences are shown."""
    if not reach.of:
        return "No point of an independent reader has enough cases to be held against this network."
    words = ", ".join(f"{reach.worded(word)} {word}" for word in (ABOVE, WITHIN_CHANCE, BELOW))
    points = f"point{'' if reach.of == 1 else 's'} of independent readers"
    return f"Reaches {reach.reached} of {reach.of} {points}; by the interval of each difference: {words}."


def stress_verdict(of: Mapping[str, StressRow]) -> str:
    """Whether all networks hold under a degradation, else which do not."""
    if any(math.isnan(row.diff) for row in of.values()):
        return NOT_ENOUGH
    falls = [member for member, row in of.items() if not row.holds]
    if len(falls) == len(of) > 1:
        return "falls: all"
    return f"falls: {', '.join(falls)}" if falls else "holds"


def stress_sentence(metrics: StressMetrics, member: str) -> str:
    """Under how many degradations a network holds, and what the worst one takes."""
    rows = [row for row in metrics.rows if row.member == member and not math.isnan(row.diff)]
    if not rows:
        return f"{member}: {NOT_ENOUGH}."
    worst = min(rows, key=lambda row: row.diff)
    return (
        f"{member} holds under {sum(row.holds for row in rows)} of {len(rows)}; worst {number(worst.diff, sign=True)}."
    )
