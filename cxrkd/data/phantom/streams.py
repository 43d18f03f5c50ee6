"""One independent random stream per (seed, patient, visit, part), so that no draw depends on the order of calls."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Part(IntEnum):
    """What a stream is for. Values are part of the data's identity: append, never renumber."""

    VISITS = 0
    LABELS = 1
    ANATOMY = 2
    VESSELS = 3
    POSE = 4
    VIEW = 5
    DEVICES = 6
    DETECTOR = 7
    DISTRACTORS = 8
    SOFT_TISSUE = 9
    GRAIN = 10
    FINDING = 100


def stream(seed: int, patient: int, part: int, visit: int | None = None) -> np.random.Generator:
    """Generator of one part of one patient, or of one of the patient's visits when `visit` is given."""
    return np.random.default_rng([seed, patient, 0 if visit is None else visit + 1, int(part)])
