"""From which probability each member calls each label."""

from __future__ import annotations

import numpy as np

from cxrkd.config import Member
from cxrkd.dashboard.caching import run_figures
from cxrkd.runs import Run


def thresholds(run: Run) -> dict[Member, np.ndarray]:
    """By member, (K,); NaN where a label cannot be called."""
    metrics = run_figures.metrics(run)
    return {member: metrics.of(member).thresholds_array() for member in run.members()}
