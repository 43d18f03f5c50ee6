"""16 visitors of one server for five minutes, four of them on Explain, each asking again as soon as it is answered.
Some answers and maps are held against those that a lone visitor gets afterwards. See tests/load."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.campaign.outcome import Outcome

TITLE = "Visitors at once"
ROOT = Path(__file__).resolve().parents[2]
ASKED = {
    True: "--visitors 16 --seconds 300 --serial 48 --explain 4",
    False: "--visitors 2 --seconds 5 --serial 2 --explain 1",
}


def campaign(folder: Path, full: bool) -> Outcome:
    """Five minutes of 16 visitors, or a look at whether two are served."""
    if importlib.util.find_spec("tests.load") is None:
        return Outcome(skipped="there is no tests/load")
    words = [*ASKED[full].split(), "--home", str(folder / "home"), "--json"]
    command = [sys.executable, "-m", "tests.load", *words]
    # The server has as many threads as it takes, as on anybody's machine.
    env = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=3600, check=False)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return Outcome(faults=[f"{' '.join(command[1:])}: code {done.returncode}: {done.stderr[-300:]}"])
    return outcome(told)


def outcome(told: dict) -> Outcome:
    """Its document as figures: those of a page under the page's name; what is wrong, as faults."""
    found = Outcome()
    for name in ("wrong", "failed"):
        for fault in told.pop(name, []):
            found.hold(False, f"{name}: {fault}")
    for name, value in told.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        found.figures |= {f"{name} {key}".strip().replace("_", " "): one for key, one in inner}
    return found
