"""The one stopwatch: milliseconds of a call, once or repeated until a budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

Clock = Callable[[], float]


def milliseconds(call: Callable[[], object], clock: Clock | None = None) -> float:
    """Of one call; `clock` as for `time_calls`."""
    clock = clock or time.perf_counter
    start = clock()
    call()
    return (clock() - start) * 1e3


def time_calls(
    call: Callable[[], object], *, warmup: int, runs: int, max_s: float, clock: Clock | None = None
) -> np.ndarray:
    """Milliseconds (n,) of repeated calls, 1 <= n <= runs.

    Args:
        call: what to time.
        warmup: calls before the clock starts; they count towards `max_s`.
        runs: calls to time at most.
        max_s: stop after the call that crosses this many seconds.
        clock: what is counted, `time.perf_counter` by default; `time.process_time` leaves out the time that other
            processes took.
    """
    end = time.perf_counter() + max_s
    for _ in range(warmup):
        call()
        if time.perf_counter() > end:
            break
    times: list[float] = []
    while len(times) < runs and (not times or time.perf_counter() < end):
        times.append(milliseconds(call, clock))
    return np.asarray(times)
