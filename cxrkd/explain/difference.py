"""Where a student's map says more or less than its teacher's, each in shares of what is strong for its network."""

from __future__ import annotations

import numpy as np

from cxrkd.explain.overlay import shared_scale
from cxrkd.explain.similarity import common_grid


def difference(
    student: np.ndarray, teacher: np.ndarray, strong_s: float | None = None, strong_t: float | None = None
) -> np.ndarray:
    """Student minus teacher, each divided by its own strong evidence, on the coarser of the two grids.

    Raw maps of two networks have no common unit; in shares of strong evidence 0.5 means half of what is strong for
    either. Nothing is compared on an up-sampled map.

    Args:
        student: raw signed map (h, w).
        teacher: the same of the teacher (h', w').
        strong_s: what strong evidence is for the student; None takes the largest absolute value of this map.
        strong_t: the same for the teacher.

    Returns:
        float64 (min(h, h'), min(w, w')); a map without any evidence counts as zero everywhere.
    """
    s, t = common_grid(student, teacher)
    return s / _unit(student, strong_s) - t / _unit(teacher, strong_t)


def _unit(heat: np.ndarray, strong: float | None) -> float:
    return strong or shared_scale([heat], signed=True) or 1.0
