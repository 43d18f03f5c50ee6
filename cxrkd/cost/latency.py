"""What a network costs in time, on the machine at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from cxrkd.runtime.timing import time_calls


@dataclass(frozen=True)
class Latency:
    """Wall-clock time of one predict call.

    Attributes:
        median_ms: of the timed calls.
        p90_ms: nine of ten calls were faster.
        n: calls timed.
        batch_size: images in a call.
        engine: what ran.
        threads: it was given.
    """

    median_ms: float
    p90_ms: float
    n: int
    batch_size: int
    engine: str
    threads: int

    @property
    def images_per_s(self) -> float:
        """Images a second at the median."""
        return 1e3 * self.batch_size / self.median_ms

    def to_dict(self) -> dict[str, float | str]:
        """Field names and values."""
        return asdict(self)


def measure_latency(
    predict: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    *,
    engine: str,
    threads: int,
    warmup: int = 3,
    runs: int = 30,
    max_s: float = 5.0,
) -> Latency:
    """Median and ninetieth percentile of repeated calls.

    Args:
        predict: an engine's `predict`.
        x: float32 (B, 1, H, W), the batch to time.
        engine: its name, for the record.
        threads: it was given, for the record.
        warmup: calls that are not timed.
        runs: calls to time at most.
        max_s: seconds after which no further call starts.
    """
    times = time_calls(lambda: predict(x), warmup=warmup, runs=runs, max_s=max_s)
    median, p90 = (float(q) for q in np.percentile(times, [50, 90]))
    return Latency(median, p90, len(times), len(x), engine, threads)
