"""What a paired difference shows, in words: the command line and the pages say the same."""

from __future__ import annotations

import math

from cxrkd.evaluate.paired import MIN_SEEDS, PairedDifference


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
