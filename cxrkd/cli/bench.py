"""`bench`: how fast the parts are, each against what it replaces."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report, Ticker

if TYPE_CHECKING:
    from cxrkd.bench.section import Section

SECTIONS = ("engines", "roofline", "gradcam", "audit", "lime", "cache", "pipeline", "films")


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "bench",
        parents=[common],
        help="speed of engines, beside what the processor allows, Grad-CAM, LIME, teacher-logit cache, input pipeline "
        "and films in files, as ratios",
        description="Both sides of every ratio run in interleaved rounds, so that they meet the same load; figures are "
        "medians. Networks are those of a finished run where there is one, else random; weights do not change times.",
    )
    verb.add_argument("--run", metavar="RUN", help="whose networks (default: the first finished run, else random ones)")
    verb.add_argument("--only", choices=SECTIONS, action="append", help="a section; repeat for several (default: all)")
    verb.add_argument("--rounds", type=int, metavar="N", help="interleaved rounds of every section")
    verb.add_argument("--quick", action="store_true", help="tiny networks and sizes: checks that it works, no figures")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Measure, section by section."""
    from cxrkd.bench.machine import machine
    from cxrkd.bench.plan import plan
    from cxrkd.bench.sections import run_sections

    ticker = Ticker()
    work = plan(quick=args.quick, rounds=args.rounds, run_id=args.run)
    environment = machine()
    sections: list[Section] = []
    for section in run_sections(work, args.only or SECTIONS, ticker.tell):
        sections.append(section)
        ticker.line(section.headline())
    ticker.clear()
    document = {
        "machine": environment,
        "quick": args.quick,
        "networks": work.origin,
        "sections": [section.to_dict() for section in sections],
    }
    return Report(
        document, [*_machine_lines(environment, work.origin), *(line for s in sections for line in s.lines())]
    )


def _machine_lines(environment: dict[str, Any], origin: str) -> list[str]:
    load = ", ".join(f"{value:.1f}" for value in environment["load_average"])
    return [
        f"{environment['cpu']}, {environment['cores']} cores, PyTorch on {environment['torch_threads']} threads; "
        f"load {load}",
        ", ".join(f"{name} {version}" for name, version in environment["packages"].items()),
        f"networks: {origin}",
    ]
