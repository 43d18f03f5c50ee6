"""What a network costs on paper, as figures; `cxrkd.cost.count` counts them."""

from __future__ import annotations

from dataclasses import dataclass

from cxrkd.evaluate.record import Record


@dataclass(frozen=True)
class Complexity(Record):
    """The cost of one network.

    Attributes:
        params: trainable and frozen parameters, without running statistics.
        macs: multiply-adds of one image.
        flops: 2 * macs.
        size_mb: weights and running statistics as float32, in MB of 1e6 bytes.
        size_f16_mb: the same as `save_weights` stores them.
    """

    params: int
    macs: int
    flops: int
    size_mb: float
    size_f16_mb: float
