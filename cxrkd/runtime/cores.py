"""How many processors this process may use: what the machine has, less what the system allows."""

from __future__ import annotations

import math
import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cores(quota: Path = _QUOTA) -> int:
    """Processors that this process may use at once, at least one: its affinity, and its container's share of time.

    Args:
        quota: the control group's file, `MICROSECONDS PERIOD` or `max PERIOD`; absent outside Linux.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, _share(quota)))


def threads_elsewhere() -> int:
    """Threads that PyTorch takes in a process of its own here, such as one that trains: a server takes fewer a call."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else cores()


def _share(quota: Path) -> int:
    """Whole processors that a control group may use; as good as endless where it says nothing."""
    try:
        allowed, period = quota.read_text().split()[:2]
        return math.ceil(int(allowed) / int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no such file, `max`, or another form
        return 1 << 16
