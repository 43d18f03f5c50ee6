"""Every kind of job: what it needs, the command that does it, the one that goes on after a kill, and what must be left.

All of them are small: 24 phantoms of 32 pixels, one epoch, MobileNetV3.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open

from tests.campaign.processes import cli, run, work

NET = "mobilenetv3_small_100"
SMALL = f"--patients 24 --image-size 32 --batch-size 16 --student {NET} --epochs 1 --warm-epochs 0".split()
TEACHER = f"--teacher {NET} --teacher-epochs 1 --teacher-warm-epochs 0".split()
NAME = "job"


@dataclass(frozen=True)
class Job:
    """One kind of job.

    Attributes:
        prepare: brings a home, in which the run "source" is finished, to where the job begins.
        do: what may be killed.
        go_on: what is done afterwards, as often as needed; must leave the job done.
        left: name -> digest of what the job leaves, the same whoever was killed.
    """

    name: str
    prepare: Callable[[Path], None]
    do: Callable[[Path], Callable[[], int | None]]
    go_on: Callable[[Path], None]
    left: Callable[[Path], dict[str, str]]


def must(home: Path, *words: object) -> None:
    """A command that has to succeed."""
    ended = run(home, cli(*words))
    if ended.code != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: exit code {ended.code}: {ended.said[-300:]}")


@functools.cache
def source() -> Path:
    """A home with the finished run "source", that others borrow from, and a film; made once, copied by all parts."""
    home = Path(tempfile.mkdtemp(prefix="campaign-")).resolve() / "home"
    atexit.register(shutil.rmtree, home.parent, ignore_errors=True)
    home.mkdir()
    must(home, "distill", "--name", "source", *SMALL, *TEACHER)
    must(home, "data", "samples", "--patients", 24, "--image-size", 128, "-n", 1, "--out", home / "films")
    return home


def path_of(home: Path, name: str = NAME) -> Path:
    return home / "runs" / name


def status(home: Path, name: str = NAME) -> str | None:
    """What its state says; None where there is none yet."""
    file = path_of(home, name) / "state.json"
    return json.loads(file.read_text())["status"] if file.exists() else None


def results(home: Path, name: str = NAME) -> dict[str, str]:
    """Metrics, labels and predictions byte by byte, weights and maps by what they hold."""
    names = ("metrics.json", "labels.json", "reference.safetensors", "predictions/*.npz", "models/*.safetensors")
    return digests(path_of(home, name), names)


def digests(folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Name -> digest of every file that a pattern fits."""
    found = sorted(path for name in names for path in folder.glob(name) if not path.name.startswith("."))
    return {str(path.relative_to(folder)): hashlib.sha256(_content(path)).hexdigest() for path in found}


def _content(path: Path) -> bytes:
    """The bytes of a file; of weights what they hold, since their header lists it in another order each time."""
    if path.suffix != ".safetensors":
        return path.read_bytes()
    with safe_open(path, "np") as file:
        names = sorted(file.keys())
        tensors = [file.get_tensor(name).tobytes() for name in names]
        return b"".join([repr((sorted((file.metadata() or {}).items()), names)).encode(), *tensors])


def _nothing(home: Path) -> None:
    """The home is as it should be."""


def _go_on_here(*words: object) -> Callable[[Path], None]:
    """Resume what there is; what is not there yet is asked for again."""

    def go_on(home: Path) -> None:
        found = status(home)
        if found is None:
            shutil.rmtree(path_of(home), ignore_errors=True)  # a folder without a state: its name would be taken
            must(home, *words)
        elif found != "done":
            must(home, "runs", "resume", NAME, "--foreground")

    return go_on


def _distil(name: str, *words: object) -> Job:
    asked = ("distill", "--name", NAME, *SMALL, *words)
    return Job(name, _nothing, lambda home: cli(*asked), _go_on_here(*asked), results)


def _queue(home: Path) -> None:
    must(home, "distill", "--name", NAME, *SMALL, *TEACHER, "--queue")


def _work_on(home: Path) -> None:
    if status(home) != "done":
        must(home, "runs", "resume", NAME)
        ended = run(home, work)
        if ended.code != 0:
            raise AssertionError(f"the worker ended with {ended.code}: {ended.said[-300:]}")


def _copy(home: Path) -> None:
    shutil.copytree(path_of(home, "source"), path_of(home))


def _again(name: str, prepare: Callable[[Path], None], left: Callable[[Path], dict[str, str]], *words: object) -> Job:
    """A job that is simply done again; a word may be a function of the home."""

    def spoken(home: Path) -> list[object]:
        return [word(home) if callable(word) else word for word in words]

    return Job(name, prepare, lambda home: cli(*spoken(home)), lambda home: must(home, *spoken(home)), left)


def _delete_on(home: Path) -> None:
    if path_of(home).exists():
        must(home, "runs", "delete", NAME)


def _cancel_and_resume(home: Path) -> Callable[[], int | None]:
    return lambda: cli("runs", "cancel", NAME)() or cli("runs", "resume", NAME)()


def _resumed(home: Path) -> None:
    if status(home) != "queued":
        must(home, "runs", "resume", NAME)


def _tree(home: Path) -> None:
    rng, path = np.random.default_rng(0), home / "films" / "chestmnist.npz"
    splits = {"train": 24, "val": 8, "test": 8}
    arrays = {f"{name}_images": rng.integers(0, 256, (n, 28, 28), np.uint8) for name, n in splits.items()}
    arrays |= {f"{name}_labels": rng.integers(0, 2, (n, 14)) for name, n in splits.items()}
    np.savez_compressed(path, **arrays)
    os.utime(path, (1e9, 1e9))  # what is prepared of a file is known by its time, too


def _film(home: Path) -> Path:
    return sorted((home / "films").glob("*.png"))[0]


PREPARE = ("--kind", "chestmnist", "--published-size", 28, "--image-size", 32, "--workers", 1)

JOBS = (
    _distil("teacher trained, student distilled", *TEACHER),
    _distil("teacher of two networks", "--no-control", *TEACHER, "--teacher", f"{NET}+{NET}"),
    _distil("teacher borrowed", "--teacher-from", "source"),
    Job("queued, by the worker", _queue, lambda home: work, _work_on, results),
    _again("evaluate --write", _copy, results, "evaluate", NAME, "--write"),
    _again("reference", _copy, results, "reference", NAME),
    _again(
        "explain --out",
        _nothing,
        lambda home: digests(home / "maps", ("**/*.png",)),
        *("explain", _film, "--run", "source", "--label", "Effusion", "--force", "--out", lambda home: home / "maps"),
    ),
    _again(
        "data prepare",
        _tree,
        lambda home: digests(home / "cache", ("**/*.npy", "**/*.csv")),
        *("data", "prepare", "--folder", lambda home: home / "films" / "chestmnist.npz", *PREPARE),
    ),
    Job("runs delete", _copy, lambda home: cli("runs", "delete", NAME), _delete_on, results),
    Job("runs cancel and resume", _queue, _cancel_and_resume, _resumed, results),
)
