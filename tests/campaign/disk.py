"""Jobs on a disk that is full: each ends in a sentence, loses nothing that was there, and goes on once there is room. A
small file system in memory where one may be mounted; elsewhere files may not outgrow a limit."""

from __future__ import annotations

import errno
import os
import random
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.campaign.jobs import JOBS, Job, results, source
from tests.campaign.kills import lists_work
from tests.campaign.outcome import Outcome
from tests.campaign.processes import Ended, run

TITLE = "Full disk"
SIZE_MIB, LEAST_KIB, MOST_KIB = 128, 4, 20_000
SENTENCE_CHARACTERS = 500
LOGGED = "sentences after the lines of a log with a traceback"


def campaign(folder: Path, full: bool, seed: int = 0) -> Outcome:
    """40 jobs over every kind; three for CI."""
    jobs, n = (JOBS, 40) if full else ([JOBS[2], JOBS[4], JOBS[7]], 3)
    found, rng = Outcome(), random.Random(seed)
    with small_disk(folder / "disk") as mounted:
        found.figures |= {"jobs": n, "by": "a full file system" if mounted else "a limit on the size of files"}
        told = 0
        for i in range(n):
            # Room from a few kilobytes to nearly enough, evenly over the orders of magnitude.
            room = int(LEAST_KIB * (MOST_KIB / LEAST_KIB) ** rng.random())
            told += once(folder, jobs[i % len(jobs)], room, found, mounted)
    found.figures |= {"ended in a sentence": told, "had room enough": n - told - len(found.faults)}
    return found


def once(folder: Path, job: Job, room_kib: int, found: Outcome, mounted: bool) -> bool:
    """One job with little room, then with room. Returns whether it said that there was too little."""
    home = Path(shutil.copytree(source(), folder / "disk" / "home"))
    where = f"{job.name}, {room_kib} KiB free"
    try:
        job.prepare(home)
        before = results(home, "source")
        with fuller(home, room_kib) if mounted else no_larger(room_kib) as limits:
            ended = run(home, job.do(home), before=limits)
        said = in_a_sentence(ended, found, where)
        found.hold(results(home, "source") == before, f"{where}: the other run was changed")
        lists_work(home, found, where)
        job.go_on(home)
        found.hold(bool(job.left(home)) or "delete" in job.name or "cancel" in job.name, f"{where}: nothing was made")
    except AssertionError as error:
        found.hold(False, f"{where}: with room again, {error}")
        return False
    finally:
        shutil.rmtree(home)
    return said


def in_a_sentence(ended: Ended, found: Outcome, where: str) -> bool:
    """Done, or exit code 2 and a sentence as the last word; a run's log, with the details, may stand before it."""
    if ended.code == 0:
        return False
    last = (ended.said.strip().splitlines() or [""])[-1]
    sentence = last.startswith("cxrkd: ") and "unexpected" not in last and len(last) < SENTENCE_CHARACTERS
    worker = "worker" in where  # it has no terminal: what it has to say stands in the run's state
    found.hold((ended.code == 2 and sentence) or worker, f"{where}: code {ended.code}, {last}")
    found.figures[LOGGED] = found.figures.get(LOGGED, 0) + ("Traceback" in ended.said)
    return True


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of its own in memory at `folder`; False, and an ordinary folder, where it may not be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "campaign", str(folder)]
    mounted = bool(shutil.which("mount")) and not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def fuller(home: Path, room_kib: int) -> Iterator[list[Callable[[], None]]]:
    """Fill the disk that `home` is on but for some room, while the block runs."""
    filler = home.parent / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(home).f_bavail * os.statvfs(home).f_frsize
        try:
            os.posix_fallocate(file.fileno(), 0, max(free - room_kib * 1024, 1))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    try:
        yield []
    finally:
        filler.unlink()


@contextmanager
def no_larger(room_kib: int) -> Iterator[list[Callable[[], None]]]:
    """What makes a process refuse to write files larger than that: an error, since Python ignores the signal."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room_kib * 1024, room_kib * 1024))

    yield [limit]
