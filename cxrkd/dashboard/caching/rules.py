"""What all caches go by: a key that follows its file, and how many networks stay in memory."""

from __future__ import annotations

from pathlib import Path

from cxrkd.jobs.job import SHIPPED

OWN = 6
NETWORKS_KEPT = len(list(SHIPPED.glob("*/models/*.safetensors"))) + OWN
"""Networks in memory: all that ship, which any visitor may ask in any order, and a few of the runs made here."""


def stamp(path: Path) -> tuple[str, int]:
    """A key that changes when the file is written again; time 0 where there is none."""
    return str(path), path.stat().st_mtime_ns if path.exists() else 0
