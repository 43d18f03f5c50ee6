"""What a paired difference shows, in words: the command line and the pages say the same."""

from __future__ import annotations

import math

from cxrkd.evaluate.paired import PairedDifference

SEEDS_FOR_A_CLAIM = 3


def gain_verdict(gain: PairedDifference) -> str:
    """What the gain of distillation shows; a claim needs three seeds, and an interval that leaves zero out."""
    if math.isnan(gain.macro_diff):
        return "Too few patients with a finding to measure a gain."
    seeds = min(gain.n_seeds_a, gain.n_seeds_b)
    if seeds < SEEDS_FOR_A_CLAIM:
        trained = "one seed" if seeds == 1 else f"{seeds} seeds"
        return f"From {trained}: the scatter between trainings is not known, and a gain is claimed from three seeds on."
    if not gain.excludes_zero:
        return f"The interval of the gain holds zero: no difference is shown. {seeds} seeds."
    effect = "distillation helped" if gain.macro_diff > 0 else "distillation did harm"
    return f"The interval of the gain leaves zero out: {effect}. {seeds} seeds."
