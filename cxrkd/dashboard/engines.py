"""Which engine answers for a member: PyTorch at once, the fastest one when it is known. No page waits for that."""

from __future__ import annotations

import gc
import math
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cxrkd.answers.comparing import choose as compare
from cxrkd.config import Member
from cxrkd.dashboard.caching import ahead, loaded
from cxrkd.dashboard.efficiency.costs import Measured
from cxrkd.errors import CxrkdError
from cxrkd.runs import Run
from cxrkd.runs.approximating import approximations
from cxrkd.runtime.compute import THREADS

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier
    from cxrkd.runtime.protocol import Engine
    from cxrkd.runtime.select import EngineReport

PYTORCH = "pytorch"


@dataclass(frozen=True)
class Chosen:
    """An engine that is ready, and what it was compared with; a single report with a note where that failed."""

    engine: Engine
    reports: tuple[EngineReport, ...]


def choose(run: Run, member: Member, network: Classifier) -> Chosen:
    """Find out, or look up, the fastest engine that agrees with PyTorch, and make it ready; takes long the first time.

    Where the engines cannot be compared PyTorch goes on, and the report says why.
    """
    from cxrkd.runtime.select import EngineReport, build_engine

    try:
        compared = compare(run.weights_path(member), network, THREADS)
        reports = _with_measured(run, member, compared.reports)
        usable = [report for report in reports if report.agrees and not math.isnan(report.latency_ms)]
        best = min(usable, key=lambda report: report.latency_ms).name
        chosen = Chosen(build_engine(network, best, threads=THREADS), reports)
    except (CxrkdError, OSError, RuntimeError) as error:  # a damaged cache, a full disk, an engine that fails to load
        report = EngineReport(PYTORCH, math.nan, 0.0, True, str(error))
        chosen = Chosen(build_engine(network, PYTORCH, threads=THREADS), (report,))
    gc.collect()
    gc.freeze()  # what is loaded by now stays; collecting garbage need not walk through it each time
    return chosen


def _with_measured(run: Run, member: Member, reports: Sequence[EngineReport]) -> tuple[EngineReport, ...]:
    """An engine that answered the run's test films well enough counts as one that agrees; its note says how well."""
    allowed = approximations(run, member)
    return tuple(
        replace(report, agrees=True, note=allowed[report.name].sentence)
        if report.name in allowed and not report.agrees and not math.isnan(report.latency_ms)
        else report
        for report in reports
    )


def _choice(run: Run, member: Member) -> Future[Chosen]:
    return ahead.choice(run, member, choose)


def now(run: Run, member: Member) -> Engine:
    """What answers now: the chosen engine where it is ready, PyTorch until then."""
    choice = _choice(run, member)
    return choice.result().engine if choice.done() else loaded.torch_engine(run, member)


def choosing(run: Run, members: Sequence[Member]) -> bool:
    """Whether the engines of any member are still being compared."""
    # All are started; the small networks' come first, since those are compared sooner.
    return bool([member for member in reversed(members) if not _choice(run, member).done()])


def reports(run: Run, member: Member) -> tuple[EngineReport, ...]:
    """What was found when the engines were compared; nothing before."""
    choice = _choice(run, member)
    return choice.result().reports if choice.done() else ()


def latency(run: Run, member: Member, engine: str) -> float:
    """Milliseconds of one image on an engine, as found when the engines were compared; NaN before."""
    return next((one.latency_ms for one in reports(run, member) if one.name == engine), math.nan)


def latencies(run: Run, members: Sequence[Member]) -> list[Measured]:
    """Latencies as they were found when the engines were compared, of the members for which they were."""
    return [
        Measured(member, report.name, report.latency_ms, math.nan, report.agrees, report.note)
        for member in members
        for report in reports(run, member)
    ]
