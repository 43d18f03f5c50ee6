"""Networks taken away, and the apps that the dashboard serves: killed at random moments, on a full disk, over damaged
files of the cache, prepared by many visitors at once, asked for under addresses that mean to leave their folder. A ZIP
is whole or is not there, as is an app; what killed exports leave goes with the next one, or where it is a single file
after a day; and nothing of a film's tags or file name stands in what was made, said, cached or served."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import tempfile
import time
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
from scipy.special import expit
from torch import nn

from cxrkd.atomic import ABANDONED_S, PART
from cxrkd.checksums import check
from cxrkd.errors import RunError
from cxrkd.models.classifier import Backbone
from cxrkd.models.network import NETWORKS, Network
from tests import toys
from tests.campaign import apps
from tests.campaign.disk import fuller, in_a_sentence, no_larger, small_disk
from tests.campaign.outcome import Outcome
from tests.campaign.processes import Ended, Kill, cli, run
from tests.images.conftest import dicom

TITLE = "Exports"
LEFT = "single files that they left, for a day"
TAGS = {"PatientName": "Campaign^Patient", "PatientID": "ID-77123", "PatientBirthDate": "19500229"}
TELL_TALE = "Doe_Jane"
LEAST_KIB = 4
OF_PYTORCH = "torchinductor_"  # one folder a user, empty, which PyTorch makes where temporary files lie
CACHED = ("onnx", "int8", "openvino")
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "without its checksum": lambda data: data[:-1],
    "a byte turned": lambda data: data[:100] + bytes([data[100] ^ 255]) + data[101:],
    "rubbish": lambda data: b"no network" * 100,
}


class Pooled(Backbone):
    """Convolutions, a mean pool and a line: what every target can hold."""

    def __init__(self, n_labels: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 32, 5, 4, 2), nn.ReLU(), nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU())
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, n_labels))

    def forward_features(self, x):
        return self.trunk(x)

    def forward_head(self, features):
        return self.head(features)


def campaign(folder: Path, full: bool, seed: int = 0) -> Outcome:
    """30 kills over five targets and everything else in proportion; two kills over two for CI."""
    found, rng = Outcome(), random.Random(seed)
    targets = ("onnx", "int8", "web", "torch", "openvino") if full else ("int8", "web")
    home = _home(folder)
    whole = {target: undisturbed(home, target, found) for target in targets}
    killed(home, whole, 30 if full else 2, rng, found)
    damaged(home, whole, list(DAMAGES) if full else ["truncated"], found)
    filled(home, folder / "disk", whole, 8 if full else 1, rng, found)
    files = _unzipped(whole["web"][0])
    apps.killed(home, files, 60 if full else 4, rng, found)
    apps.together(home, files, 24 if full else 6, found)
    apps.asked(home, files, 3000 if full else 100, seed, found)
    nothing_told(home, whole, found)
    return found


def undisturbed(home: Path, target: str, found: Outcome) -> tuple[bytes, int, float]:
    """The ZIP that is made when nothing happens, how often a file is changed for it, and seconds."""
    began = time.monotonic()
    ended = export(home, target)
    assert ended.code == 0, f"{target}, undisturbed: exit code {ended.code}: {ended.said[-300:]}"
    seconds, data = time.monotonic() - began, _out(home, target).read_bytes()
    found.hold(holds(data, target, home), f"{target}: its files are not those that it lists, or answer otherwise")
    return data, ended.changes, seconds


def export(home: Path, target: str, kill: Kill | None = None, *before: Callable[[], object]) -> Ended:
    """The command; what it says is kept for `nothing_told`."""
    words = ("export", "small", "--to", target, "--out", _out(home, target), "--overwrite")
    ended = run(home, cli(*words), kill, [lambda: setattr(tempfile, "tempdir", str(home / "tmp")), *before])
    with (home / "said").open("a") as file:
        file.write(ended.out + ended.said)
    return ended


def holds(data: bytes, target: str, home: Path) -> bool:
    """Whether the sums hold, and the worked example comes out of the files as it is told."""
    from cxrkd.export.contract import EXAMPLE

    files = _unzipped(data)
    lines = dict(reversed(line.split("  ")) for line in files["SHA256SUMS"].decode().splitlines())
    if lines != {name: sha256(file).hexdigest() for name, file in files.items() if name != "SHA256SUMS"}:
        return False
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(home / "out")
    (place,) = (path for path in (home / "out").iterdir() if path.is_dir())
    ended = run(home, lambda: print(json.dumps(_answer(place, target, place / EXAMPLE))))
    shutil.rmtree(place)
    told = json.loads(files["contract.json"])["example"]["probabilities"]
    return ended.code == 0 and np.allclose(json.loads(ended.out), list(told.values()), atol=1e-4)


def _answer(place: Path, target: str, film: Path) -> list[float]:
    from PIL import Image

    from cxrkd.export.target import TARGETS

    x = np.asarray(Image.open(film), np.float32)[None, None] / np.float32(255)
    return expit(TARGETS[target].answers(place)(x)[0].astype(float)).tolist()


def killed(home: Path, whole: dict[str, tuple[bytes, int, float]], n: int, rng: random.Random, found: Outcome) -> None:
    """Exports that die at a change of a file or at any moment, every other one with an empty cache; some end well."""
    died = tries = 0
    while died < n:
        target = list(whole)[died % len(whole)]
        expected, changes, seconds = whole[target]
        out, tries = _out(home, target), tries + 1
        before = b"an older file" if tries % 3 == 0 else None
        _lay(out, before)
        if tries % 2:
            _empty(_engines(home))
        by_change = Kill(rng.randint(1, changes), rng.choice((0.0, rng.uniform(0, 0.1))))
        how = (by_change,) if rng.random() < 0.5 else (None, _dying(rng, seconds))
        ended = export(home, target, *how)
        died += ended.killed
        where = f"{target}, kill {died}"
        data = out.read_bytes() if out.exists() else None
        found.hold(data in (before, expected), f"{where}: {'nothing' if data is None else 'half a file'} is left")
        _cache_holds(home, found, where)
        if ended.killed and not died % 4:
            again(home, target, expected, found, where)
    found.figures |= {"targets": len(whole), "exports killed": died, LEFT: len(_parts(home))}


def again(home: Path, target: str, expected: bytes, found: Outcome, where: str) -> None:
    """The next export ends with the same bytes and takes along what lay in its own folders."""
    ended = export(home, target)
    found.hold(ended.code == 0, f"{where}: the next one: code {ended.code}: {ended.said[-200:]}")
    found.hold(_out(home, target).read_bytes() == expected, f"{where}: the next one has other bytes")
    left = [path.name for name in ("tmp", "cache/exports") for path in (home / name).iterdir()]
    left = [name for name in left if not name.startswith(OF_PYTORCH)]
    found.hold(not left, f"{where}: after the next one {', '.join(left)} are left")


def damaged(home: Path, whole: dict[str, tuple[bytes, int, float]], hows: list[str], found: Outcome) -> None:
    """A network in the cache that is not what it was is made again, and the ZIP is as ever.

    That is the next export a day after the kills: it takes along whatever they left.
    """
    for part in _parts(home):
        os.utime(part, (time.time() - 2 * ABANDONED_S,) * 2)
    target = next(name for name in CACHED if name in whole)
    if not list(_engines(home).glob("[!.]*.onnx")):
        again(home, target, whole[target][0], found, "a day later")
    for how in hows:
        (path,) = _engines(home).glob("[!.]*.onnx")
        good = path.read_bytes()
        path.write_bytes(DAMAGES[how](good))
        again(home, target, whole[target][0], found, f"the cached file {how}")
        found.hold(path.read_bytes() == good and check(path), f"the cached file {how}: it was not made again")
    found.hold(not _parts(home), f"a day later {len(_parts(home))} unfinished files are left")
    found.figures["damaged files of the cache, made again"] = len(hows)


def filled(home: Path, disk: Path, whole: dict, n: int, rng: random.Random, found: Outcome) -> None:
    """With little room an export ends in a sentence, and the file that was there stays; with room it goes on."""
    told = 0
    with small_disk(disk) as mounted:
        for i in range(n):
            target = list(whole)[i % len(whole)]
            room = int(LEAST_KIB * max(2, len(whole[target][0]) / 1024) ** (rng.random() if i else 0))
            there = Path(shutil.copytree(home, disk / "home"))
            if i % 2:
                _empty(_engines(there))
            _lay(_out(there, target), b"an older file")
            where = f"{target}, {room} KiB free"
            with fuller(there, room) if mounted else no_larger(room) as limits:
                said = in_a_sentence(export(there, target, None, *limits), found, where)
            kept = _out(there, target).read_bytes() == (b"an older file" if said else whole[target][0])
            found.hold(kept, f"{where}: the older file was harmed")
            found.hold(not _parts(there), f"{where}: an unfinished file is left")
            if said:
                again(there, target, whole[target][0], found, where)
            told += said
            shutil.rmtree(there)
    found.figures |= {"on a full disk": n, "of them ended in a sentence": told}


def nothing_told(home: Path, whole: dict[str, tuple[bytes, int, float]], found: Outcome) -> None:
    """Tags stand nowhere; file names in no export, no word, no cache, no address."""
    told = {f"the ZIP of {target}": data for target, (data, _, _) in whole.items()}
    told |= {f"{name} of {target}": data for target in whole for name, data in _unzipped(whole[target][0]).items()}
    told |= {
        f"a file of {path.parent.name}": path.read_bytes() for path in (home / "cache").rglob("*") if path.is_file()
    }
    told["what was said"] = (home / "said").read_bytes()
    told["names"] = "\n".join(str(path.relative_to(home)) for path in home.rglob("*")).encode()
    for where, data in told.items():
        for secret in (*TAGS.values(), TELL_TALE):
            found.hold(secret.encode() not in data, f"{where} tells {secret}")
    tagged = [path for path in home.rglob("*") if path.is_file() and b"Campaign^Patient" in path.read_bytes()]
    found.hold(not tagged, f"a tag stands in {', '.join(map(str, tagged))}")
    found.figures["files searched for tags and names"] = len(told)


def _home(folder: Path) -> Path:
    """A home with a run of a toy on DICOM with tags, in files named after patients."""
    import onnx  # noqa: F401  what the forks need is imported once
    import onnxruntime  # noqa: F401
    import onnxscript  # noqa: F401
    import torch.onnx  # noqa: F401

    import cxrkd.cli
    import cxrkd.export.bundle  # noqa: F401

    assert list(NETWORKS)
    if "pooled_toy" not in NETWORKS:
        known = {"name": "pooled_toy", "title": "Pooled", "sentence": "A toy.", "role": "student"}
        NETWORKS.register(Network(**known, make=lambda n, size, state: Pooled(n)))
    home = folder / "home"
    for name in ("tmp", "out"):
        (home / name).mkdir(parents=True)
    ended = run(home, lambda: _make(folder / "scans"))
    assert ended.code == 0, ended.said
    return home


def _make(scans: Path) -> None:
    from cxrkd.data.readers.folder import FolderConfig

    rng, lines = np.random.default_rng(0), ["image,patient,split,Effusion,Mass"]
    scans.mkdir()
    for i, split in enumerate(["train"] * 12 + ["val"] * 12 + ["test"] * 16):
        name = f"{TELL_TALE}_{i}.dcm"
        (scans / name).write_bytes(dicom(rng.integers(0, 4096, (64, 64)).astype(np.uint16), **TAGS))
        lines.append(f"{name},{TAGS['PatientID']}-{i},{split},{i % 2},{i // 2 % 2}")
    (scans / "labels.csv").write_text("\n".join(lines) + "\n")
    data = FolderConfig(folder=scans, image_size=toys.SIZE)
    toys.finished_run(toys.tiny_config("small", arch="pooled_toy", data=data))


def _out(home: Path, target: str) -> Path:
    return home / "out" / f"{target}.zip"


def _engines(home: Path) -> Path:
    return home / "cache" / "engines"


def _lay(path: Path, data: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if data is not None:
        path.write_bytes(data)


def _empty(folder: Path) -> None:
    """Whole files go; what was left unfinished stays to be counted."""
    for path in folder.glob("[!.]*"):
        path.unlink()


def _parts(home: Path) -> list[Path]:
    return [path for path in home.rglob(f"{PART}*") if path.is_file()]


def _cache_holds(home: Path, found: Outcome, where: str) -> None:
    for path in _engines(home).glob("[!.]*.onnx"):
        try:
            found.hold(check(path), f"{where}: {path.name} in the cache has no checksum")
        except RunError as error:
            found.hold(False, f"{where}: {error}")


def _dying(rng: random.Random, seconds: float) -> Callable[[], object]:
    after = rng.uniform(0.01, seconds)
    return lambda: (signal.signal(signal.SIGALRM, signal.SIG_DFL), signal.setitimer(signal.ITIMER_REAL, after))


def _unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
