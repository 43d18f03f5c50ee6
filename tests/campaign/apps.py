"""The folder of apps that the dashboard serves, for `tests.campaign.exports`: kept, pruned, asked for."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from cxrkd.atomic import PART
from cxrkd.export import exported
from tests.campaign.outcome import Outcome
from tests.campaign.processes import Kill, run, start, wait

SECRET = "Campaign^Secret"
STATUSES = {200, 299, 307, 404, 405}
PIECES = (
    *("..", "%2e%2e", ".%2e", "%252e%252e", "..%2f..", "..\\..", "%5c..", ".", "", "/", "//", "~", "%00", "%0a", "%ff"),
    *("index.html", "app", "app/main.js", "run.json", "out.txt", "loop", "outside", "secret.txt", "etc/passwd", "C:"),
    *("/etc/passwd", "%2fetc%2fpasswd", "file:", "x" * 300, "\u2025", "%c0%ae%c0%ae", PART, "0" * 32, "browser"),
)
Files = dict[str, bytes]


def keeping(files: Files) -> None:
    """What a visitor's *Prepare* does once the app is made."""
    from cxrkd.runs import open_run

    exported.keep(open_run("small"), "distilled", files)


def killed(home: Path, files: Files, n: int, rng: random.Random, found: Outcome) -> None:
    """Visitors who are cut off while an app is kept and old ones go: each folder with a key is whole or not there."""
    place, died = _place(home), 0
    shutil.rmtree(place, ignore_errors=True)
    changes = run(home, lambda: keeping(files)).changes
    key = _keys(place)[0]
    while died < n:
        shutil.rmtree(place / key, ignore_errors=True)
        _old(place, files)
        # Removing goes on below the functions that are counted: a delay brings the kill into it.
        ended = run(
            home, lambda: keeping(files), Kill(rng.randint(1, changes + 40), rng.choice((0.0, rng.uniform(0, 0.01))))
        )
        died += ended.killed
        torn = [name for name in _keys(place) if _read(place / name) != files]
        found.hold(not torn, f"app, kill {died}: {len(torn)} folders are not whole")
        for name in torn:
            shutil.rmtree(place / name)
    run(home, lambda: keeping(files))
    _only_whole(place, files, key, found, "after the kills")
    found.figures["visitors cut off while an app is kept"] = died


def together(home: Path, files: Files, n: int, found: Outcome) -> None:
    """Visitors who prepare one app at once, while others ask for it."""
    place = _place(home)
    key = run(home, lambda: print(_key())).out.strip()
    shutil.rmtree(place)
    with tempfile.TemporaryDirectory(prefix="process-") as folder:
        desks = [Path(folder) / str(i) for i in range(n + 2)]
        for desk in desks:
            desk.mkdir()
        pids = [start(home, lambda: keeping(files), None, (), desk) for desk in desks[:n]]
        pids += [start(home, lambda: _looking(key, files), None, (), desk) for desk in desks[n:]]
        codes = [wait(pid, 60) for pid in pids]
        said = "".join((desk / "err").read_text() for desk in desks)
    found.hold(not any(codes), f"visitors at once: codes {codes}: {said[-300:]}")
    _only_whole(place, files, key, found, "visitors at once")
    found.figures["visitors who prepare one app at once"] = n


def _looking(key: str, files: Files) -> int:
    """Ask until the app is there; returns 1 where something came that is neither nothing nor a whole file."""
    from tests.dashboard.test_browser_door import ask

    end = time.monotonic() + 30
    while time.monotonic() < end:
        whole = True
        for name in ("index.html", "files.js", "network.onnx"):
            got = ask(f"/in-browser/{key}/{name}")
            if (got["status"], got["body"]) != (200, files[name]):
                if got["status"] != 404:
                    return 1
                whole = False
        if whole:
            return 0
    return 1


def asked(home: Path, files: Files, n: int, seed: int, found: Outcome) -> None:
    """Addresses that mean to leave the folder: each gets a file of the app or none."""
    place = _place(home)
    key = _keys(place)[0]
    (place.parent / "secret.txt").write_text(SECRET)
    (place / f"{PART}{key}").mkdir()
    (place / f"{PART}{key}" / "index.html").write_text(SECRET)
    links = {"out.txt": place.parent / "secret.txt", "outside": home, "loop": Path("loop")}
    for name, where in links.items():
        (place / key / name).symlink_to(where)
    ended = run(home, lambda: print(json.dumps(_answers(key, files, n, seed))))
    found.hold(ended.code == 0, f"addresses: {ended.said[-300:]}")
    wrong = json.loads(ended.out) if ended.code == 0 else []
    for path, status, why in wrong[:5]:
        found.hold(False, f"{path!r}: status {status}, {why}")
    for name in links:
        (place / key / name).unlink()
    (place.parent / "secret.txt").unlink()
    shutil.rmtree(place / f"{PART}{key}")
    found.figures["addresses that mean to leave the folder of an app"] = n


def _answers(key: str, files: Files, n: int, seed: int) -> list[tuple[str, int, str]]:
    """What was answered otherwise than it should, asked as a server hands the address on."""
    from tests.dashboard.test_browser_door import ask

    rng, wrong = np.random.default_rng(seed), []
    ours = {*files.values(), b"", b"behind", b"There is no such file.", b"Method Not Allowed"}
    for i in range(n):
        pieces = [PIECES[int(k)] for k in rng.integers(len(PIECES), size=rng.integers(1, 6))]
        if i < 2 * len(PIECES):  # each by itself first, to the file and to the folder of apps
            pieces = [PIECES[i // 2]] + ["..", "secret.txt"] * (i % 2)
        root = ("", "//evil.org", "/base")[int(rng.integers(3))]
        path = unquote(f"{root}/in-browser/{key if rng.random() < 0.8 else f'{PART}{key}'}/{'/'.join(pieces)}")
        try:
            got = ask(path)
        except Exception as error:  # whatever the door lets out is what is looked for
            wrong.append((path, 0, f"{type(error).__name__}: {error}"))
            continue
        if got["status"] not in STATUSES or got["body"] not in ours:
            wrong.append((path, got["status"], got["body"][:40].decode(errors="replace")))
        if got["headers"].get("location", "/").startswith("//"):
            wrong.append((path, got["status"], "sent to another host"))
    return wrong


def _old(place: Path, files: Files) -> None:
    """As many whole apps as are kept, so that the next one lets the oldest go."""
    for age in range(exported.KEPT):
        folder = place / f"{age:032x}"
        if not folder.exists():
            for name, data in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
        os.utime(folder, (age, age))


def _only_whole(place: Path, files: Files, key: str, found: Outcome, where: str) -> None:
    hidden = [path.name for path in place.glob(".*")]
    found.hold(not hidden, f"{where}: {len(hidden)} hidden folders are left")
    found.hold(_read(place / key) == files, f"{where}: the app is not whole")
    found.hold(all(_read(place / name) == files for name in _keys(place)), f"{where}: an older app is not whole")


def _key() -> str:
    from cxrkd.runs import open_run

    return exported.key(open_run("small"), "distilled")


def _keys(place: Path) -> list[str]:
    return [path.name for path in place.glob("[!.]*")]


def _place(home: Path) -> Path:
    return home / "cache" / "browser"


def _read(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
