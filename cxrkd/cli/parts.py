"""The parts that a logit is the sum of, for people; nothing of explainers without parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def part_lines(members: Mapping[str, Any]) -> list[str]:
    """A line a member: its logit as a sum of what counts most, the rest, and what is there with everything hidden."""
    from cxrkd.answers.parts import has_parts, sum_sentence

    return [f"  {name}: {sum_sentence(figures)}" for name, figures in members.items() if has_parts(figures)]
