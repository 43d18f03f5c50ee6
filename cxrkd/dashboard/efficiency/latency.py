"""Latency of every member on every engine of this machine: the one source of speed figures for all pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.answers.engines import probe
from cxrkd.config import Member
from cxrkd.dashboard import engines, session
from cxrkd.dashboard.caching import loaded
from cxrkd.dashboard.caching.rules import stamp
from cxrkd.dashboard.efficiency.costs import Latencies, Measured, engine_name
from cxrkd.dashboard.layout import member_title
from cxrkd.errors import EngineError
from cxrkd.runs import Run
from cxrkd.runtime.compute import THREADS, shared
from cxrkd.runtime.protocol import ENGINES

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

MEASURED = "measured on request"
COMPARING = "being compared"
QUICK = "timed when the engines were chosen"


def latencies(run: Run, members: Sequence[Member] | None = None) -> Latencies:
    """The one source of speed figures: what this visitor has measured, else what was found when engines were chosen.

    Args:
        run: whose members.
        members: those to ask about where nothing was measured on request; all by default.
    """
    measured = session.current().latencies.get(_key(run))
    if measured:
        return Latencies(measured, MEASURED)
    asked = run.members() if members is None else members
    if engines.choosing(run, asked):
        return Latencies((), COMPARING, pending=True)
    return Latencies(engines.latencies(run, asked), QUICK)


def measure(run: Run, visitor: str, progress: Callable[[float, str], None]) -> None:
    """Measure all members on all engines, one image at a time, and remember it.

    Each goes through the queue of this server as a piece of an explanation does: answers of others come first.

    Args:
        run: whose members.
        visitor: who takes turns.
        progress: called with the share done and what comes next.

    Raises:
        BusyError: too many visitors wait.
    """
    pairs = [(member, name) for member in run.members() for name in ENGINES]
    measured = []
    for index, (member, name) in enumerate(pairs):
        progress(index / len(pairs), f"{member_title(member)} on {engine_name(name)}")
        model = loaded.model(run, member)
        ticket = shared().explain(visitor, partial(_measure_one, run, member, name, model))
        measured.append(ticket.result())
    session.current().latencies[_key(run)] = measured


def _key(run: Run) -> tuple[tuple[str, int], ...]:
    return tuple(stamp(run.weights_path(member)) for member in run.members())


def _measure_one(run: Run, member: Member, name: str, model: Classifier) -> Measured:
    from cxrkd.cost.latency import measure_latency
    from cxrkd.runtime.select import build_engine

    x = probe(model.input_size)[:1]
    try:
        engine = build_engine(model, name, threads=THREADS)
        latency = measure_latency(engine.predict, x, engine=name, threads=engine.threads)
    except EngineError as error:
        return Measured(member, name, np.nan, np.nan, False, str(error))
    report = next((r for r in engines.reports(run, member) if r.name == name), None)
    agrees, note = (report.agrees, report.note) if report else (True, "")
    return Measured(member, name, latency.median_ms, latency.p90_ms, agrees, note)
