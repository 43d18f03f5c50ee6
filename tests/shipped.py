"""What ships: runs, and what was measured of them beside their own test films."""

from cxrkd.jobs.job import DISTILLATION, SHIPPED, kind_of

JOBS = sorted(path.name for path in SHIPPED.iterdir())
RUNS = [name for name in JOBS if kind_of(SHIPPED / name) == DISTILLATION]
REAL = [name for name in RUNS if name.startswith("nih")]
"""Those that learned from patients."""
