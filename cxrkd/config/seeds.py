"""Seeds: whole numbers from which everything random of a run is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from cxrkd.text import shown


def require_seeds(seeds: Sequence[int]) -> None:
    """Refuse seeds of trainings that no generator takes, or that are the same.

    Raises:
        ValueError: says which.
    """
    for seed in seeds:
        if seed < 0:
            raise ValueError(f"seeds are whole numbers from 0, got {shown(seed)}")
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds must differ, got {', '.join(map(str, seeds))}")
