"""Times of several contenders under the same load."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeVar

from cxrkd.runtime.timing import milliseconds

K = TypeVar("K", bound=Hashable)
Measure = Callable[[], float]
"""Does the work once and returns its milliseconds."""

BLOCK_MS = 250.0
MAX_BLOCK = 25


@dataclass(frozen=True)
class Timing:
    """Times of one contender: the median of every round, the median of all calls, and how many calls there were."""

    rounds_ms: tuple[float, ...]
    median_ms: float
    n: int


def stopwatch(work: Callable[[], object]) -> Measure:
    """Time the whole of a call."""
    return partial(milliseconds, work)


def interleave(contenders: Mapping[K, Measure], rounds: int) -> dict[K, Timing]:
    """Let all contenders run in every round, so that a busy machine slows all of them and not one.

    Within a round a quick contender runs in a block of calls (about BLOCK_MS): caches and thread pools that another one
    left cold are warm after the first call, and the median does not see that one. The order turns from round to round.
    Before the first round every contender runs once unmeasured, and once more to size its block.
    """
    blocks = {name: _block(measure) for name, measure in contenders.items()}
    times: dict[K, list[list[float]]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            times[name].append([contenders[name]() for _ in range(blocks[name])])
    return {name: _timing(ms) for name, ms in times.items()}


def _block(measure: Measure) -> int:
    """Calls a block; a contender that takes longer than a block is not run a second time to find that out."""
    first = measure()
    once = first if first > BLOCK_MS * 4 else measure()
    return max(1, min(MAX_BLOCK, math.ceil(BLOCK_MS / max(once, 1e-6))))


def _timing(rounds: list[list[float]]) -> Timing:
    every = [ms for block in rounds for ms in block]
    return Timing(tuple(median(block) for block in rounds), median(every), len(every))
