"""A home that cannot be written: what only reads answers as ever, and what would write says so in a sentence. By a file
system mounted read-only where that is allowed, else by the bits of the folders, which do not bind root."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.campaign.disk import in_a_sentence, small_disk
from tests.campaign.jobs import JOBS, Job, results, source
from tests.campaign.outcome import Outcome
from tests.campaign.processes import cli, run

TITLE = "Read-only home"
READING = ("runs list", "runs show source", "evaluate source", "data show --run source")


def campaign(folder: Path, full: bool) -> Outcome:
    """Every kind of job and what only reads; two jobs for CI."""
    found = Outcome()
    with small_disk(folder / "disk") as mounted:
        if not mounted and not bits_bind(folder / "bits"):
            return Outcome(skipped="a file system cannot be mounted here, and root may write whatever the bits say")
        found.figures["by"] = "a read-only file system" if mounted else "the bits of the folders"
        told = [once(folder, job, found, mounted) for job in (JOBS if full else (JOBS[2], JOBS[4]))]
    found.figures |= {"jobs": len(told), "ended in a sentence": sum(told), "only reading": len(READING)}
    return found


def once(folder: Path, job: Job, found: Outcome, mounted: bool) -> bool:
    home = Path(shutil.copytree(source(), folder / "disk" / "home"))
    try:
        job.prepare(home)
        before = results(home, "source")
        with read_only(home.parent) if mounted else without_bits(home):
            said = in_a_sentence(run(home, job.do(home)), found, f"{job.name}, read-only")
            for words in READING:
                ended = run(home, cli(*words.split()))
                found.hold(ended.code == 0, f"{words}, read-only: {ended.said[-300:]}")
        found.hold(results(home, "source") == before, f"{job.name}, read-only: the other run was changed")
    finally:
        shutil.rmtree(home)
    return said


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def bits_bind(folder: Path) -> bool:
    """Whether a folder without its bits for writing cannot be written; root's powers pass over them."""
    folder.mkdir(mode=0o500)
    return not os.access(folder, os.W_OK)


@contextmanager
def without_bits(home: Path) -> Iterator[None]:
    folders = [home, *(path for path in home.rglob("*") if path.is_dir())]
    modes = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in folders}
    for folder, mode in modes.items():
        folder.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)
