"""SIGKILL at random points of every kind of job; afterwards all lists work, and going on leaves what an undisturbed
job leaves, byte for byte."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from cxrkd.atomic import PART
from tests.campaign.jobs import JOBS, NAME, Job, source, status
from tests.campaign.outcome import Outcome
from tests.campaign.processes import Kill, cli, run

TITLE = "Killed at random points"
LATEST_S = 0.05
LEFT = "unfinished files left beside whole ones"


def campaign(folder: Path, full: bool, seed: int = 0) -> Outcome:
    """50 kills over every kind of job; one of three kinds each for CI."""
    return killed(folder, JOBS, 50, seed) if full else killed(folder, [JOBS[2], JOBS[3], JOBS[8]], 3, seed)


def killed(folder: Path, jobs: Sequence[Job], n: int, seed: int) -> Outcome:
    """`n` kills, dealt to the jobs in turn; a process that ends before its kill comes does not count as one."""
    found, rng = Outcome({"kills": n, "kinds of job": len(jobs), LEFT: 0}), random.Random(seed)
    whole = {job.name: undisturbed(folder, job) for job in jobs}
    died = held = 0
    while died < n:
        job = jobs[died % len(jobs)]
        changes, expected = whole[job.name]
        kill = Kill(rng.randint(1, changes), rng.choice((0.0, 0.0, rng.uniform(0, LATEST_S))))
        faults = len(found.faults)
        if once(folder, job, kill, expected, found):
            died += 1
            held += len(found.faults) == faults
    found.figures["all held, and went on to the same bytes"] = held
    return found


def undisturbed(folder: Path, job: Job) -> tuple[int, dict[str, str]]:
    """How often the job changes a file, and what it leaves."""
    home = Path(shutil.copytree(source(), folder / "whole" / "home"))
    job.prepare(home)
    ended = run(home, job.do(home))
    if ended.code:
        raise AssertionError(f"{job.name}, undisturbed: exit code {ended.code}: {ended.said[-300:]}")
    left = job.left(home)
    shutil.rmtree(folder / "whole")
    return ended.changes, left


def once(folder: Path, job: Job, kill: Kill, expected: dict[str, str], found: Outcome) -> bool:
    """One kill and what follows it. Returns whether the process died of it; it may have ended before."""
    # The same path each time, so that nothing that is written depends on it.
    home = Path(shutil.copytree(source(), folder / "whole" / "home"))
    where = f"{job.name}, killed at change {kill.at} + {1000 * kill.delay_s:.0f} ms"
    job.prepare(home)
    ended = run(home, job.do(home), kill)
    try:
        lists_work(home, found, where)
        job.go_on(home)
        left = job.left(home)
        wrong = sorted(name for name in {*left, *expected} if left.get(name) != expected.get(name))
        found.hold(not wrong, f"{where}: went on to other bytes in {', '.join(wrong)}")
        whole_files(home, found, where)
    except AssertionError as error:
        found.hold(False, f"{where}: going on, {error}")
    finally:
        shutil.rmtree(home.parent)
    return ended.killed


def lists_work(home: Path, found: Outcome, where: str) -> None:
    """Right after the kill, the other run is listed, and so is this one once it has a state."""
    ended = run(home, cli("runs", "list", "--json"))
    found.hold(ended.code == 0, f"{where}: runs list: {ended.said}")
    listed = {run["run"] for run in json.loads(ended.out)["runs"]} if ended.code == 0 else set()
    expected = {"source"} | ({NAME} if status(home) is not None else set())
    found.hold(expected <= listed, f"{where}: runs list lacks {', '.join(sorted(expected - listed))}")


def whole_files(home: Path, found: Outcome, where: str) -> None:
    """In the end every JSON can be read. What a kill left of a file beside it is read by nobody; it is counted."""
    parts = set(home.rglob(f"{PART}*"))
    found.figures[LEFT] = found.figures.get(LEFT, 0) + len(parts)
    for path in set(home.rglob("*.json")) - parts:
        try:
            json.loads(path.read_text())
        except ValueError:
            found.hold(False, f"{where}: {path.relative_to(home)} is torn")
