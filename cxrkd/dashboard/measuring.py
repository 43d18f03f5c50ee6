"""Latency of every member on every engine of this machine, measured on request and kept for the session."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cxrkd.config import Member
from cxrkd.dashboard import caching, session
from cxrkd.dashboard.costs import Measured, engine_name
from cxrkd.dashboard.parts import member_title
from cxrkd.efficiency import measure_latency
from cxrkd.errors import EngineError
from cxrkd.runs import Run
from cxrkd.runs.answer import probe
from cxrkd.runtime import ENGINES, build_engine


def measured(run: Run) -> list[Measured]:
    """What this visitor has measured for a run; empty before."""
    return session.current().latencies.get(_key(run), [])


def measure(run: Run, progress: Callable[[float, str], None]) -> list[Measured]:
    """Measure all members on all engines, one image at a time, and remember it.

    Args:
        run: whose members.
        progress: called with the share done and what comes next.
    """
    pairs = [(member, name) for member in run.members() for name in ENGINES]
    found = []
    for index, (member, name) in enumerate(pairs):
        progress(index / len(pairs), f"{member_title(member)} on {engine_name(name)}")
        found.append(_measure_one(run, member, name))
    session.current().latencies[_key(run)] = found
    return found


def _key(run: Run) -> tuple[tuple[str, int], ...]:
    return tuple(caching.stamp(run.weights_path(member)) for member in run.members())


def _measure_one(run: Run, member: Member, name: str) -> Measured:
    model = caching.model(run, member)
    x = probe(model.input_size)[:1]
    try:
        engine = build_engine(model, name)
        latency = measure_latency(engine.predict, x, engine=name, threads=engine.threads)
    except EngineError as error:
        return Measured(member, name, np.nan, np.nan, False, str(error))
    report = next((r for r in caching.engine(run, member)[1] if r.name == name), None)
    agrees, note = (report.agrees, report.note) if report else (True, "")
    return Measured(member, name, latency.median_ms, latency.p90_ms, agrees, note)
