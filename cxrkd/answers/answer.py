"""What a run's networks answer about one radiograph. The command line and the Classify page both ask here."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from cxrkd.answers.verdict import verdict
from cxrkd.config import DataConfig, Member
from cxrkd.data import is_here
from cxrkd.errors import ConfigError, RunError
from cxrkd.evaluate.record import to_plain
from cxrkd.images import Radiograph, Verdict, crop_note, judge, to_input
from cxrkd.logits import require_numbers
from cxrkd.runs.run import Run, list_runs, open_run

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier
    from cxrkd.runtime.protocol import Engine

AUTO = "auto"
_PROBE_FILMS = 8
_PROBE_SEED = 224
_TIMED_CALLS = 3
PHANTOM_WARNING = (
    "This model was trained on phantoms (drawn radiographs) only. "
    "Its answer to a real radiograph has no medical meaning."
)


@dataclass(frozen=True)
class Input:
    """One image to answer.

    Attributes:
        name: what people call it, such as the file's name.
        pixels: float32 (S, S) in [0, 1], S the run's image size.
        notes: what the reader did to the file, in words.
        real: True for every file and upload, False only for a phantom that this program drew.
        sha256: of the pixels that were read; empty for a phantom.
        gate: whether it looks like a frontal chest radiograph; None for images of a cohort, which are not asked.
    """

    name: str
    pixels: np.ndarray = field(repr=False)
    notes: tuple[str, ...] = ()
    real: bool = True
    sha256: str = ""
    gate: Verdict | None = None


def from_radiograph(radiograph: Radiograph, size: int) -> Input:
    """A file that was read, judged by the gate and brought to the networks' size; what the crop takes is noted.

    Raises:
        GateError: the coefficients of the gate are missing or damaged.
    """
    crop = crop_note(radiograph)
    notes = radiograph.notes + ((crop,) if crop else ())
    pixels, gate = to_input(radiograph, size), judge(radiograph)
    return Input(radiograph.name, pixels, notes, real=True, sha256=radiograph.sha256, gate=gate)


@dataclass(frozen=True)
class MemberAnswer:
    """One network's answer.

    Attributes:
        engine: name of the engine that computed it.
        probs: float64 (K,), sigmoid of the logits.
        thresholds: float64 (K,), the member's own operating points; NaN where it does not judge.
        latency_ms: of one image (batch of one), the median of calls after a warm-up; NaN where it was not measured.
    """

    engine: str
    probs: np.ndarray
    thresholds: np.ndarray
    latency_ms: float

    @property
    def positive(self) -> np.ndarray:
        """Bool (K,): the probability reaches the threshold; False where there is no threshold."""
        return np.asarray(self.probs >= self.thresholds)

    @property
    def judged(self) -> np.ndarray:
        """Bool (K,): the label can be called or not; without a threshold, or an answer, it is not judged."""
        return ~np.isnan(self.thresholds) & ~np.isnan(self.probs)


@dataclass(frozen=True)
class Answer:
    """What all asked members say about one image.

    Attributes:
        name: what people call the image.
        labels: K names. members: what each network says.
        notes: what the reader did to the file.
        warning: empty, or a sentence to show beside the figures.
        sha256: of the pixels that were read.
        gate: what the radiograph gate says about the image; None where it was not asked.
    """

    name: str
    labels: tuple[str, ...]
    members: dict[Member, MemberAnswer]
    notes: tuple[str, ...]
    warning: str
    sha256: str = ""
    gate: Verdict | None = None

    def verdict(self, member: Member, at_most: int | None = None) -> str:
        """What a member calls, the most probable first, of what it can call; see `cxrkd.answers.verdict`."""
        said = self.members[member]
        called = [self.labels[k] for k in np.argsort(-said.probs, kind="stable") if said.positive[k]]
        return verdict(called, list(compress(self.labels, said.judged)), at_most)

    def table(self) -> list[dict[str, Any]]:
        """A row a label: `label`, and per member `<member>_prob`, `<member>_threshold`, `<member>_positive`.

        With a teacher, `<student>_difference` is the student's probability minus the teacher's. `positive` and
        `threshold` are None where the member does not judge the label.
        """
        return [self._row(k) for k in range(len(self.labels))]

    def _row(self, k: int) -> dict[str, Any]:
        row: dict[str, Any] = {"label": self.labels[k]}
        teacher = self.members.get("teacher")
        for member, said in self.members.items():
            judged = bool(said.judged[k])
            row[f"{member}_prob"] = float(said.probs[k])
            row[f"{member}_threshold"] = float(said.thresholds[k]) if judged else None
            row[f"{member}_positive"] = bool(said.positive[k]) if judged else None
            if teacher is not None and member != "teacher":
                row[f"{member}_difference"] = float(said.probs[k] - teacher.probs[k])
        return row

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; NaN becomes None."""
        members = {
            member: {
                "engine": said.engine,
                "latency_ms": to_plain(said.latency_ms),
                "verdict": self.verdict(member),
                "judged": list(compress(self.labels, said.judged)),
                "probs": dict(zip(self.labels, to_plain(said.probs), strict=True)),
                "thresholds": dict(zip(self.labels, to_plain(said.thresholds), strict=True)),
                "positive": list(compress(self.labels, said.positive)),
            }
            for member, said in self.members.items()
        }
        about = {"name": self.name, "sha256": self.sha256, "notes": list(self.notes), "warning": self.warning}
        return about | {"gate": self.gate and self.gate.to_dict(), "members": members}


def finished_runs() -> list[Run]:
    """Runs that are done: those whose images are here first, of them shipped ones, then newest; damaged ones last."""
    done = [run for run in list_runs() if run.state.status == "done"]
    return sorted(done, key=lambda run: (not _has_labels(run), not has_images(run)))


def _has_labels(run: Run) -> bool:
    try:
        return bool(run.labels)
    except RunError:
        return False


def has_images(run: Run) -> bool:
    """Whether the images that a run was made on are on this machine; False where its config cannot be read."""
    data = _data(run)
    return data is not None and is_here(data)


def answering(chosen: Run, runs: Sequence[Run]) -> Run:
    """Who answers a film from outside: the chosen run, unless it knows phantoms only and another knows patients.

    Of several on the same patients it is the one whose distilled student measured best.
    """
    if chosen.config.data.kind != "phantom":
        return chosen
    real = [run for run in runs if (data := _data(run)) and data.kind != "phantom"]
    return max((run for run in real if _data(run) == _data(real[0])), key=_distilled_auroc, default=chosen)


def _distilled_auroc(run: Run) -> float:
    """Macro AUROC on test, mean over seeds; -inf where it is not known."""
    try:
        auroc = run.metrics().of("distilled").over_seeds.macro_auroc
    except RunError:
        return -math.inf
    return -math.inf if math.isnan(auroc) else auroc


def _data(run: Run) -> DataConfig | None:
    """What a run was made on; None where its config cannot be read."""
    try:
        return run.config.data
    except RunError:
        return None


def choose_run(id_or_path: str | None = None, *, for_films: bool = False) -> Run:
    """The run with that id, or without one the first finished run; for films from outside, the one to answer them.

    Raises:
        RunError: there is no such run, or no finished run at all.
    """
    if id_or_path is not None:
        return open_run(id_or_path)
    found = finished_runs()
    if not found:
        raise RunError("There is no finished run on this machine. Make one: python -m cxrkd distill --name first")
    return answering(found[0], found) if for_films else found[0]


def choose_members(run: Run, asked: Sequence[str] | None = None) -> list[Member]:
    """The asked members of a run in the order of the run, by default all that it has.

    Raises:
        RunError: the run has no networks yet.
        ConfigError: it has no member of an asked name.
    """
    there = run.members()
    if not there:
        raise RunError(f"{run.id} has no trained networks yet (it is {run.state.status}); let it finish first.")
    if asked is not None and (not asked or not set(asked) <= set(there)):
        got = ", ".join(asked) or "none"
        raise ConfigError(f"Expected members of {run.id} among {', '.join(there)}, got {got}.")
    return [member for member in there if asked is None or member in asked]


def load_engines(models: Mapping[Member, Classifier], engine: str = AUTO) -> dict[Member, Engine]:
    """An engine for each network: the named one, or with "auto" the fastest that agrees with PyTorch here.

    Raises:
        EngineError: the engine is unknown, not installed, or fails on a network.
    """
    from cxrkd.runtime.select import build_engine, fastest

    if engine != AUTO:
        return {member: build_engine(model, engine) for member, model in models.items()}
    return {member: fastest(model, probe(model.input_size))[0] for member, model in models.items()}


def probe(size: int) -> np.ndarray:
    """A few phantoms, float32 (B, 1, S, S) in [0, 1], to compare engines on: what networks here are asked about."""
    from cxrkd.data.phantom import render

    films = [render(_PROBE_SEED, patient, 0, size).pixels for patient in range(_PROBE_FILMS)]
    return np.stack(films)[:, None].astype(np.float32) / 255


def warning_for(run: Run, real: bool) -> str:
    """What has to be said beside an answer of this run, empty when nothing has."""
    return PHANTOM_WARNING if real and run.config.data.kind == "phantom" else ""


def classify(
    run: Run,
    inputs: Sequence[Input],
    engines: Mapping[Member, Engine],
    *,
    timed: bool = True,
    thresholds: Mapping[Member, np.ndarray] | None = None,
) -> list[Answer]:
    """Ask every engine about every image, one image at a time, so that a latency is that of one image.

    Args:
        run: whose labels, thresholds and figures are used.
        inputs: any number of images.
        engines: by member, from `load_engines`.
        timed: measure how long an engine takes: the median over all images, at least three calls, after a warm-up.
            False asks once, for when other work would spoil the figure.
        thresholds: by member, where they are known already; read from the run by default.

    Raises:
        RunError: the run has no thresholds for a member yet.
        AnswerError: a network gives what is no number for a label that it was taught.
    """
    cuts = thresholds or {member: run.thresholds(member) for member in engines}
    if not inputs:
        return []
    if timed:
        for engine in engines.values():
            engine.predict(inputs[0].pixels[None, None])  # the first call pays for allocations
    asked = [{member: _ask(engine, image.pixels) for member, engine in engines.items()} for image in inputs]
    times = {member: [one[member][1] for one in asked] for member in engines}
    for member, engine in engines.items() if timed else ():
        times[member] += [_ask(engine, inputs[0].pixels)[1] for _ in range(_TIMED_CALLS - len(inputs))]
    latencies = {member: statistics.median(times[member]) if timed else math.nan for member in engines}
    return [
        _answer(run, image, {m: _said(run, m, engines[m], one[m][0], cuts[m], latencies[m]) for m in engines})
        for image, one in zip(inputs, asked, strict=True)
    ]


def _answer(run: Run, image: Input, members: dict[Member, MemberAnswer]) -> Answer:
    warning = warning_for(run, image.real)
    return Answer(image.name, run.labels, members, image.notes, warning, image.sha256, image.gate)


def _said(
    run: Run, member: Member, engine: Engine, logits: np.ndarray, thresholds: np.ndarray, latency_ms: float
) -> MemberAnswer:
    # A threshold was chosen on answers: whoever has one was taught the label.
    require_numbers(logits, run.labels, f"{run.id}, {member}", np.isnan(thresholds))
    return MemberAnswer(engine.name, expit(logits.astype(np.float64)), thresholds, latency_ms)


def _ask(engine: Engine, pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """Logits (K,) and milliseconds of one call with one image (S, S)."""
    began = time.perf_counter()
    logits = engine.predict(pixels[None, None])[0]
    return logits, (time.perf_counter() - began) * 1e3
