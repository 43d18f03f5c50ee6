"""A kind of job in one file: it counts, a step an event, and goes on where it was stopped."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from cxrkd.errors import RunError
from cxrkd.jobs.files import MissingFileError, read_json, write_json
from cxrkd.jobs.job import KINDS, Job, Kind

COUNTING = KINDS.register(
    Kind(
        name="counting",
        title="Counting",
        sentence="Counts up to a number.",
        entry_point="cxrkd.jobs.kinds.counting:Counting",
        executes="cxrkd.jobs.kinds.counting:count",
        signs=("upto.json",),
    )
)


@dataclass(frozen=True)
class Counting(Job):
    """Counts; each step takes a moment until its home holds a file called "hurry"."""

    def require_settings(self):
        super().require_settings()
        self.upto()

    def upto(self):
        upto = read_json(self.path / "upto.json")
        if not isinstance(upto, int):
            raise RunError(f"{self.id}: expected a number to count to, got {upto!r}")
        return upto

    def counted(self):
        try:
            return read_json(self.path / "counted.json")
        except MissingFileError:
            return 0

    def sentence(self, event):
        return f"  {event['n']}" if event["kind"] == "step" else super().sentence(event)


def count(job, report):
    report.plan({"count": 1.0})
    upto = job.upto()
    if upto < 0:
        raise RunError(f"expected a number from 0 on to count to, got {upto}")
    with report.stage("count", "Counting up") as on_event:
        for n in range(job.counted() + 1, upto + 1):
            if not (Path(os.environ["CXRKD_HOME"]) / "hurry").exists():
                time.sleep(0.02)
            write_json(job.path / "counted.json", n)
            on_event({"kind": "step", "n": n})
            on_event({"kind": "progress", "fraction": n / upto})
