"""What members cost -> tables and chart rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.dashboard.charts.cost import LatencyBar
from cxrkd.models.network import network_title
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runtime.protocol import ENGINES
from cxrkd.text import MISSING

if TYPE_CHECKING:
    from cxrkd.cost.complexity import Complexity


def engine_name(name: str) -> str:
    """`onnxruntime` -> `ONNX Runtime`."""
    return ENGINES[name].title if name in ENGINES else name


@dataclass(frozen=True)
class Measured:
    """Latency of one member on one engine of this machine, one image at a time.

    Attributes:
        member: whose network.
        engine: name of the engine.
        median_ms: median over the repeats.
        p90_ms: 90th percentile over the repeats; NaN where it was not kept.
        agrees: whether its probabilities agree with PyTorch's; an engine that does not is never used.
        note: a word on the disagreement, or why the engine could not run.
    """

    member: Member
    engine: str
    median_ms: float
    p90_ms: float
    agrees: bool = True
    note: str = ""


@dataclass(frozen=True)
class Latencies:
    """What is known about the speed of a run's members on this machine, and how it was found, in words.

    `pending` where it is being found out: there are no rows yet.
    """

    rows: Sequence[Measured]
    source: str
    pending: bool = False


def best(measured: Sequence[Measured]) -> dict[str, float]:
    """Member -> median latency on its fastest engine that agrees with PyTorch, ms."""
    usable = [row for row in measured if row.agrees and not math.isnan(row.median_ms)]
    return {str(row.member): row.median_ms for row in sorted(usable, key=lambda row: -row.median_ms)}


def latency_bars(measured: Sequence[Measured]) -> list[LatencyBar]:
    """Chart rows, with the engines' full names; engines that could not run are left out."""
    return [
        LatencyBar(str(row.member), engine_name(row.engine), row.median_ms, row.p90_ms)
        for row in measured
        if not math.isnan(row.median_ms)
    ]


def latency_table(measured: Sequence[Measured]) -> pd.DataFrame:
    """One row a member, one column an engine, and how much faster the best is than PyTorch."""
    rows = []
    for member in dict.fromkeys(row.member for row in measured):
        own = {row.engine: row for row in measured if row.member == member}
        row: dict[str, object] = {"Model": MEMBER_NAMES[member]}
        row |= {engine_name(name): _milliseconds(own[name].median_ms) for name in ENGINES if name in own}
        fastest = min((r.median_ms for r in own.values() if r.agrees), default=float("nan"))
        row["Best against PyTorch"] = (
            f"{own['pytorch'].median_ms / fastest:.1f} ×" if "pytorch" in own and fastest > 0 else None
        )
        rows.append(row)
    return pd.DataFrame(rows)


def _milliseconds(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:.1f} ms"


def remarks(measured: Sequence[Measured]) -> list[str]:
    """A sentence for each engine that is left out, or that may be used though it computes in fewer digits."""
    return [
        f"{engine_name(row.engine)} {'may be' if row.agrees else 'is not'} used for the "
        f"{MEMBER_NAMES[row.member].lower()}: {row.note}"
        for row in measured
        if row.note
    ]


def complexity_table(metrics: RunMetrics, counted: Mapping[Member, Complexity]) -> pd.DataFrame:
    """Network, parameters, MACs, FLOPs and size of each member."""
    return pd.DataFrame(
        [
            {
                "Model": MEMBER_NAMES[member],
                "Network": network_title(metrics.of(member).arch),
                "Parameters": f"{cost.params:,}",
                "MACs": f"{cost.macs:,}",
                "FLOPs (2 × MACs)": f"{cost.flops:,}",
                "float32": f"{cost.size_mb:.1f} MB",
                "float16": f"{cost.size_f16_mb:.1f} MB",
            }
            for member, cost in counted.items()
        ]
    )
