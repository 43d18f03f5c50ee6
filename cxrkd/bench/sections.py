"""The sections by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cxrkd.bench.audit import audit
from cxrkd.bench.cache import cache
from cxrkd.bench.engines import engines
from cxrkd.bench.films import films
from cxrkd.bench.gradcam import gradcam
from cxrkd.bench.lime import lime
from cxrkd.bench.pipeline import pipeline
from cxrkd.bench.plan import Plan
from cxrkd.bench.roofline import roofline
from cxrkd.bench.section import Section

SECTIONS: dict[str, Callable[[Plan], Iterator[Section]]] = {
    "engines": engines,
    "roofline": roofline,
    "gradcam": gradcam,
    "audit": audit,
    "lime": lime,
    "cache": cache,
    "pipeline": pipeline,
    "films": films,
}


def run_sections(plan: Plan, names: Iterable[str], tell: Callable[[str], None]) -> Iterator[Section]:
    """Measure section after section; `tell` hears which one is being measured."""
    for name in names:
        tell(f"measuring {name}, {plan.rounds[name]} rounds")
        yield from SECTIONS[name](plan)
