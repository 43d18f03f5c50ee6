"""Which readers a reference standard was made from: a point of theirs is not independent of it, and flatters them."""

from __future__ import annotations

from itertools import chain, combinations, islice

import numpy as np

AGREEMENT = 0.999
"""Share of cells that a majority has to have as the targets have it; below 1 for what was mended by hand."""
MIN_CELLS = 100
"""Cells that all readers of a set have judged; on fewer, three readers who find little agree with anything."""
_MOST_SETS = 20_000  # of twelve readers there are two thousand


def reference_readers(calls: np.ndarray, targets: np.ndarray, min_cells: int = MIN_CELLS) -> tuple[int, ...]:
    """The readers whose majority the targets are: the smallest such set of three, five and so on; none where none is.

    Of several sets of one size it is the one that agrees best, then the first.

    Args:
        calls: (R, N, K): 1, 0, or NaN where a reader did not judge.
        targets: (N, K): 1, 0, NaN unknown.
        min_cells: known cells that all readers of a set must have judged.

    Returns:
        Places in `calls`, ascending.
    """
    known, votes = ~np.isnan(targets), np.nan_to_num(calls) > 0.5
    judged, truth = ~np.isnan(calls) & known, targets > 0.5
    every = chain.from_iterable(combinations(range(len(calls)), size) for size in range(3, len(calls) + 1, 2))
    best: tuple[float, tuple[int, ...]] = (0.0, ())
    for chosen in islice(every, _MOST_SETS):
        if best[1] and len(chosen) > len(best[1]):
            break
        cells = judged[list(chosen)].all(axis=0)
        if cells.sum() < min_cells or not truth[cells].any():
            continue
        majority = votes[list(chosen)].sum(axis=0) * 2 > len(chosen)
        agreement = float((majority == truth)[cells].mean())
        if agreement >= AGREEMENT and agreement > best[0]:
            best = (agreement, chosen)
    return best[1]
