"""`python -m tests.campaign [--full] [--only PART] [--write]`: hold what docs/reliability.md says, or measure it anew.

Without `--full` each part has the small size that CI runs. `--write` puts the figures into docs/reliability.json and
docs/reliability.md; parts that were not run keep theirs.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

from tests.campaign import report
from tests.campaign.outcome import Outcome

PARTS = ("kills", "disk", "read_only", "servers", "uploads", "watched", "service", "exports", "visitors")


def main() -> int:
    """Run the parts. Returns 1 where one of them found a fault."""
    asked = _asked()
    _ready()
    faults = 0
    for name in asked.only or PARTS:
        part = importlib.import_module(f"tests.campaign.{name}")
        began = time.monotonic()
        found = run(part, asked.full)
        seconds = time.monotonic() - began
        print("\n".join(report.lines(part.TITLE, found, seconds)), flush=True)
        faults += len(found.faults)
        if asked.write:
            report.keep(name, part, found, seconds, f"python -m tests.campaign {shlex.join(sys.argv[1:])}")
    return 1 if faults else 0


def run(part, full: bool) -> Outcome:
    """One part in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        return part.campaign(Path(folder).resolve(), full)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes of docs/reliability.md (an hour or so)")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/")
    return parser.parse_args()


def _ready() -> None:
    """One thread, and everything imported that the forks would import each for itself."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    os.environ.pop("CXRKD_HOME", None)
    import torch

    torch.set_num_threads(1)


if __name__ == "__main__":
    sys.exit(main())
