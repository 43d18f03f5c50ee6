"""A member of a run -> one ZIP to take away, checked against PyTorch before it is offered.

<run>-<member>-<target>/
    network.*          what the target writes
    labels.json        K names, in the order of the logits
    thresholds.json    by label: where it is called, its temperature
    contract.json      how a film becomes the input, what comes out, a worked example
    example.png        its film: one that ships, or a phantom
    MODEL_CARD.md      data, training, figures with intervals, limits, licence, hash, versions, parity of this file
    answer.py, film.py answer a film with numpy and the target's package alone
    SHA256SUMS
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from cxrkd.config import Member
from cxrkd.errors import EngineError, RunError
from cxrkd.export.archive import with_checksums, zipped
from cxrkd.export.card import CARD, Subject, card
from cxrkd.export.contract import EXAMPLE, contract, png, thresholds
from cxrkd.export.films import CheckFilms, example
from cxrkd.export.parity import Parity, compare, in_pytorch
from cxrkd.export.script import scripts
from cxrkd.export.target import Answers, Target
from cxrkd.jobs.folders import making, sweep
from cxrkd.names import file_name
from cxrkd.places import home
from cxrkd.plain import plain
from cxrkd.runs import Run
from cxrkd.runs.choosing import choose_members
from cxrkd.runtime.timing import time_calls

Says = Callable[[str], object]
"""Takes what is being done, in a few words."""
_MAX_S = 2.0


@dataclass(frozen=True)
class Bundle:
    """What can be taken away.

    Attributes:
        name: of the ZIP without its ending, and of the folder in it.
        files: name -> bytes of each.
        network: names of those that hold the network.
        parity: the file beside PyTorch.
        ms, ms_pytorch: median milliseconds of one film on one thread here; in no file of the ZIP.
    """

    name: str
    files: dict[str, bytes] = field(repr=False)
    network: tuple[str, ...]
    parity: Parity
    ms: float
    ms_pytorch: float

    @property
    def network_bytes(self) -> int:
        """Bytes of the network's files."""
        return sum(len(self.files[name]) for name in self.network)

    @cached_property
    def zip(self) -> bytes:
        """The ZIP; the same bundle gives the same bytes."""
        return zipped(self.files, self.name)


def require_exportable(run: Run, member: Member) -> None:
    """Refuse a run that has not come to its end, or has no such member.

    Raises:
        RunError: it is unreadable or not done.
        ConfigError: it has no network of the member.
    """
    state = run.require_readable()
    if state.status != "done":
        raise RunError(f"{run.id} is {state.status}; only a finished run can be exported. Let it finish first.")
    choose_members(run, [member])


def bundle(run: Run, member: Member, target: Target, films: CheckFilms, says: Says = lambda what: None) -> Bundle:
    """Write a network in the form of a target, hold it against PyTorch, and put beside it what its user needs.

    Args:
        run: finished, see `require_exportable`.
        member: whose network.
        target: the form.
        films: on which it is checked.
        says: told what is being done.

    Raises:
        EngineError: a package is missing, the form cannot express the network, or its answers are too far off.
        RunError: weights, figures or kept answers are missing or damaged, or the home cannot be written.
        OSError: its disk is full.
    """
    says("loading the network")
    model = run.load_model(member)
    pytorch = in_pytorch(model)
    with making(workshop()) as folder:
        sweep(workshop())
        says(f"writing it as {target.title}")
        target.write(model, folder)
        if target.tell is not None:
            target.tell(run, member, folder)
        network = _files(folder)
        answers = _reading(target, folder)
        says(f"holding it against PyTorch on {films.what}")
        parity = compare(answers, pytorch, films, run.labels)
        parity.refuse_beyond(target.bounds, target.title)
        film = example(run)
        facts = contract(run.labels, model.input_size, film, answers, pytorch, target.batch)
        ms, ms_pytorch = (_milliseconds(one, films) for one in (answers, pytorch))
    texts = {
        "labels.json": _json(run.labels),
        "thresholds.json": _json(thresholds(run, member)),
        "contract.json": _json(facts),
        CARD: card(Subject(run, member, target, parity, model.input_size)),
        **({} if target.script is None else scripts(target.script)),
    }
    files = network | {name: text.encode() for name, text in texts.items()} | {EXAMPLE: png(film.tones)}
    return Bundle(bundle_name(run, member, target), with_checksums(files), tuple(network), parity, ms, ms_pytorch)


def workshop() -> Path:
    """Where networks lie while they are held against PyTorch; what a killed export left goes with the next one."""
    return home() / "cache" / "exports"


def bundle_name(run: Run, member: Member, target: Target) -> str:
    """Of the ZIP without its ending, and of the folder in it."""
    return file_name(f"cxrkd-{run.id}-{member}-{target.name}", n_bytes=200)


def _files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder by its name from there."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _reading(target: Target, folder: Path) -> Answers:
    try:
        return target.answers(folder)
    except EngineError:
        raise
    except Exception as error:  # runtimes have errors of their own
        raise EngineError(f"What was written as {target.title} cannot be read again ({error}).") from error


def _milliseconds(answers: Answers, films: CheckFilms) -> float:
    times = time_calls(partial(answers, films.inputs()[:1]), warmup=2, runs=20, max_s=_MAX_S)
    return float(np.median(times))


def _json(value: Any) -> str:
    return json.dumps(plain(value), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
