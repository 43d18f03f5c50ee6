"""Many comparisons at once: by chance alone one of twenty would be below 0.05."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected for their number (Holm, Scandinavian Journal of Statistics 1979), in the order given.

    Where those below a level are taken for shown, a false one is among them with at most that probability, whatever
    the comparisons have in common. The smallest of m is multiplied by m, the next by m - 1, and so on; none falls below
    one before it. NaN, a comparison that could not be made, stays NaN and does not count.

    >>> holm([0.01, 0.04, float("nan"), 0.03])
    [0.03, 0.06, nan, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # NaN sorts last
    corrected = np.full(p.shape, np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return [float(value) for value in corrected]
