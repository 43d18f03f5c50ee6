"""A watched folder into which films, halves of films that are finished later, the same pictures again and rubbish come,
while the watch is killed at random moments; then a flood. In the end each picture is answered once, each has its rows
in the table once, and no tag of a file stands anywhere."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cxrkd.data.phantom import render
from cxrkd.errors import ImageError, RunError
from cxrkd.images.files import film_of
from cxrkd.runs.watching.store import Store
from tests.campaign.jobs import source
from tests.campaign.outcome import Outcome
from tests.campaign.processes import cli, run, start, wait
from tests.campaign.uploads import MUTATIONS
from tests.images.conftest import dicom, encode

TITLE = "Watched folder"
SECRET = "Campaign^Patient"
LATEST_S = 12.0
WORDS = ("--once", "--force", "--run", "source", "--engine", "pytorch")


def campaign(folder: Path, full: bool, seed: int = 0) -> Outcome:
    """20 kills and a flood of 3,000 films; two and 60 for CI."""
    found = Outcome()
    killed(folder / "kills", 20 if full else 2, 12 if full else 4, seed, found)
    flooded(folder / "flood", 3000 if full else 60, found)
    return found


def killed(folder: Path, n_kills: int, a_round: int, seed: int, found: Outcome) -> None:
    """Rounds in which files come and the watch is killed; the last one goes to its end."""
    home, scans, out = _home(folder)
    rng, halves, kills = random.Random(seed), {}, 0
    for number in range(n_kills):
        _arrive(scans, number, a_round, rng, halves)
        ended = run(home, cli("watch", scans, *WORDS, "--csv", out), before=[_quick, _dying(rng)])
        kills += ended.killed
        found.hold(ended.killed or ended.code == 0, f"round {number}: code {ended.code}: {ended.said[-200:]}")
    for path, data in halves.items():
        path.write_bytes(data)
    ended = run(home, cli("watch", scans, *WORDS, "--csv", out), before=[_quick])
    found.hold(ended.code == 0, f"the last round: code {ended.code}: {ended.said[-200:]}")
    pictures = _pictures(scans)
    _each_once(home, out, set(pictures), found)
    files = sum(pictures.values())
    found.figures |= {"rounds": n_kills, "of them killed": kills, "films": len(pictures), "files that are films": files}
    found.figures["other files"] = sum(path.is_file() for path in scans.rglob("*")) - files
    kept = [path for path in home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    found.hold(not kept and SECRET not in ended.said, f"a tag of a file stands in {', '.join(map(str, kept))}")


def flooded(folder: Path, n: int, found: Outcome) -> None:
    """Many films at once: all are answered, and the last thousands need no more memory than the first hundreds."""
    home, scans, _ = _home(folder)
    film = render(5, 0, 0, 192).pixels
    for number in range(n):
        changed = np.roll(film, (number // 192, number % 192), (0, 1))
        (scans / f"{number:05}.png").write_bytes(encode(changed))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="process-") as desk:
        pid = start(home, cli("watch", scans, *WORDS), None, [_quick], Path(desk))
        sizes = _sizes(pid, home, n)
        code = wait(pid, 600)
    found.hold(code == 0, f"the flood: code {code}")
    found.hold(_films(home) == n, f"the flood: {_films(home)} of {n} films answered")
    found.figures |= {"flood, films": n, "flood, films a second": n / (time.monotonic() - began)}
    early, late = (max((size for share, size in sizes if low <= share <= high), default=0) for low, high in SHARES)
    if early and late:
        found.figures["flood, memory after a fifth, MiB"] = early
        found.figures["flood, memory at the end, MiB"] = late
        found.hold(late - early < 100, f"the flood: memory grew from {early} to {late} MiB")


SHARES = ((0.1, 0.2), (0.9, 1.0))


def _home(folder: Path) -> tuple[Path, Path, Path]:
    """A home with a finished run, a folder to watch, and where the table goes."""
    home = Path(shutil.copytree(source(), folder / "home"))
    (folder / "scans").mkdir()
    return home, folder / "scans", folder / "out.csv"


def _quick() -> None:
    """Pauses that show that a file is whole need not be those of a network share."""
    from cxrkd.runs.watching import arrivals

    arrivals.SETTLE_S, arrivals.AGAIN_S = 0.2, (0.2, 0.4)


def _dying(rng: random.Random) -> Callable[[], None]:
    """SIGALRM, which nobody handles, at a random moment."""
    after = rng.uniform(0.2, LATEST_S)
    return lambda: (signal.signal(signal.SIGALRM, signal.SIG_DFL), signal.setitimer(signal.ITIMER_REAL, after))[1]


def _arrive(scans: Path, number: int, n: int, rng: random.Random, halves: dict[Path, bytes]) -> None:
    """New films as PNG and DICOM, one again under another name, one half-written, and one that is damaged for good."""
    below = scans / f"study {number}"
    below.mkdir()
    film = render(9, number, 0, 128).pixels
    datas = [encode(np.roll(film, k, 1)) if k % 2 else dicom(np.roll(film, k, 1), PatientName=SECRET) for k in range(n)]
    for k, data in enumerate(datas):
        (below / f"{k}").write_bytes(data)
    (below / "again").write_bytes(datas[0])
    late = encode(np.roll(film, n, 1))
    halves[below / "half.png"] = late
    (below / "half.png").write_bytes(late[: rng.randrange(1, len(late))])
    how = MUTATIONS[rng.randrange(len(MUTATIONS))]
    (below / "rubbish").write_bytes(how(np.random.default_rng(number), datas[0], datas[-1]))


def _pictures(scans: Path) -> Counter[str]:
    """Hash of each picture that can be read, and how many files hold it."""
    counts: Counter[str] = Counter()
    for path in sorted(scans.rglob("*")):
        if path.is_file():
            try:
                counts[film_of(path.read_bytes(), "a film", 32).sha256] += 1
            except ImageError:
                continue
    return counts


def _each_once(home: Path, out: Path, expected: set[str], found: Outcome) -> None:
    """In the store and in the table, and nothing else."""
    with Store(_job(home), reading=True) as store:
        stored = [row.digest for row in store.after(0)]
    found.hold(sorted(stored) == sorted(expected), f"{len(stored)} films are stored, {len(expected)} came")
    with out.open(newline="", encoding="utf-8") as file:
        rows = Counter((row["sha256"], row["label"]) for row in csv.DictReader(file))
    n_labels = len({label for _, label in rows})
    found.hold(set(rows.values()) == {1}, "a film stands in the table twice")
    found.hold(len(rows) == n_labels * len(expected), f"the table has {len(rows)} rows")


def _job(home: Path) -> Path:
    (path,) = (path.parent for path in (home / "runs").glob("*/watch.json"))
    return path


def _films(home: Path) -> int:
    try:
        with Store(_job(home), reading=True) as store:
            return store.totals().films
    except (RunError, ValueError):  # not made yet
        return 0


def _sizes(pid: int, home: Path, n: int) -> list[tuple[float, int]]:
    """Share of the films that are answered, and MiB in memory, until the process ends."""
    sizes = []
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            break
        sizes.append((_films(home) / n, pages * os.sysconf("SC_PAGE_SIZE") >> 20))
        time.sleep(0.5)
    return sizes
