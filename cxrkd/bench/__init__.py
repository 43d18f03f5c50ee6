"""Honest speed: each part against what it replaces, in interleaved rounds, as ratios with the machine beside them."""

from cxrkd.bench.machine import machine
from cxrkd.bench.plan import Plan, plan
from cxrkd.bench.section import Goal, Section
from cxrkd.bench.sections import SECTIONS, run_sections

__all__ = ["SECTIONS", "Goal", "Plan", "Section", "machine", "plan", "run_sections"]
