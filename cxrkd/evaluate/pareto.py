"""Which networks are worth a look when what they cost counts: those that no other beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto_front(costs: Sequence[float], gains: Sequence[float]) -> list[bool]:
    """Whether nothing else costs no more and gains no less, one of the two strictly. NaN is never on the front.

    >>> pareto_front([1, 2, 3, 3], [0.7, 0.9, 0.8, 0.9])
    [True, True, False, False]

    Args:
        costs: (N,), such as multiply-adds.
        gains: (N,), such as AUROC.
    """
    pairs = list(zip(costs, gains, strict=True))
    return [not math.isnan(sum(pair)) and not any(_beats(other, pair) for other in pairs) for pair in pairs]


def _beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] <= b[0] and a[1] >= b[1] and a != b
