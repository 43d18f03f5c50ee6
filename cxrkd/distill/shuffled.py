"""Teaching every image by the answer to another one: a control that has all of a teacher but what it knows."""

from __future__ import annotations

import numpy as np


def derangement(n: int, rng: np.random.Generator) -> np.ndarray:
    """An order of n places in which none keeps its own, int64 (n,); a single place has no other and keeps it.

    Drawn evenly among those of one cycle (Sattolo 1986).

    >>> derangement(2, np.random.default_rng(0)).tolist()
    [1, 0]
    """
    order = np.arange(n)
    for last in range(n - 1, 0, -1):
        other = int(rng.integers(last))
        order[[last, other]] = order[[other, last]]
    return order
