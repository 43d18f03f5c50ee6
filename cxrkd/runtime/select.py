"""Which engine to use: the fastest whose probabilities are PyTorch's."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import numpy as np

from cxrkd.errors import AnswerError, EngineError
from cxrkd.models.classifier import Classifier
from cxrkd.runtime.protocol import ENGINES, REFERENCE, Engine
from cxrkd.runtime.timing import Clock, time_calls

TOLERANCE = 1e-4
"""Largest change of any probability against PyTorch's that counts as agreement. Measured on trained networks: float32
engines stay below 3e-6, bfloat16 moves probabilities by up to 7e-3."""


@dataclass(frozen=True)
class EngineReport:
    """One engine beside eager PyTorch.

    Attributes:
        name: a key of ENGINES.
        latency_ms: median of one image; NaN where the engine could not be built.
        max_abs_prob_diff: largest difference of a probability from PyTorch's on the images compared; NaN as above.
        agrees: `worst_change` of the logits is within the tolerance.
        note: why the engine is missing or left out; empty otherwise.
    """

    name: str
    latency_ms: float
    max_abs_prob_diff: float
    agrees: bool
    note: str

    def to_dict(self) -> dict[str, float | bool | str]:
        """Field names and values."""
        return asdict(self)


def build_engine(model: Classifier, name: str, *, threads: int | None = None) -> Engine:
    """A network made ready to answer; the first time exports it to ONNX, which takes some seconds.

    Args:
        model: not changed.
        name: a key of ENGINES.
        threads: CPU threads of a call; PyTorch's number unless given.

    Raises:
        EngineError: unknown name, missing package, failed export, or a CPU without what the engine needs.
    """
    require_engine(name)
    return ENGINES[name].make(model, threads)


def require_engine(name: str) -> None:
    """Refuse an engine that does not exist.

    Raises:
        EngineError: names those that do.
    """
    if name not in ENGINES:
        raise EngineError(ENGINES.unknown(name))


def compare_engines(
    model: Classifier,
    x: np.ndarray,
    *,
    tolerance: float = TOLERANCE,
    threads: int | None = None,
    max_s: float = 1.0,
) -> list[EngineReport]:
    """Every engine's latency and agreement, in the order of ENGINES.

    Args:
        model: not changed.
        x: float32 (B, 1, H, W) in [0, 1]; all images are compared, the first is timed.
        tolerance: largest `worst_change` of a probability that counts as agreement.
        threads: CPU threads of a call.
        max_s: seconds of timing an engine gets.
    """
    return _compare(model, x, tolerance, threads, max_s)[1]


def fastest(
    model: Classifier,
    x: np.ndarray,
    tolerance: float = TOLERANCE,
    *,
    threads: int | None = None,
    max_s: float = 1.0,
    clock: Clock = time.perf_counter,
) -> tuple[Engine, list[EngineReport]]:
    """The engine with the lowest latency among those that agree with PyTorch, and the reports of all.

    Arguments are those of `compare_engines`, and the clock that latencies are counted by. PyTorch agrees with itself,
    so there is always one.
    """
    engines, reports = _compare(model, x, tolerance, threads, max_s, clock)
    best = min((r for r in reports if r.agrees), key=lambda r: r.latency_ms)
    return engines[best.name], reports


def _compare(
    model: Classifier,
    x: np.ndarray,
    tolerance: float,
    threads: int | None,
    max_s: float,
    clock: Clock = time.perf_counter,
) -> tuple[dict[str, Engine], list[EngineReport]]:
    engines, missing = _build_all(model, threads)
    expected = engines[REFERENCE].predict(x)
    logits = {name: _asked(engine, x, expected) for name, engine in engines.items()}
    latencies = _interleaved(engines, x[:1], max_s, clock)
    reports = [
        EngineReport(name, float("nan"), float("nan"), False, missing[name])
        if name in missing
        else _report(name, latencies[name], logits[name], expected, tolerance)
        for name in ENGINES
    ]
    return engines, reports


def _asked(engine: Engine, x: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """An engine's logits; infinite, so that it agrees with none, where it gives what is no number."""
    try:
        return engine.predict(x)
    except AnswerError:
        return np.full_like(expected, np.inf)


def _report(name: str, latency_ms: float, logits: np.ndarray, expected: np.ndarray, tolerance: float) -> EngineReport:
    change = worst_change(logits, expected)
    agrees = change <= tolerance
    note = "" if agrees else f"probabilities can differ from PyTorch's by {change:.1g}, more than {tolerance:g}"
    return EngineReport(name, latency_ms, _prob_difference(logits, expected), agrees, note)


def worst_change(logits: np.ndarray, expected: np.ndarray) -> float:
    """The largest change of a probability that the difference of two sets of logits can stand for.

    The sigmoid's slope is 1/4 at most. Unlike the probabilities' own difference, this does not shrink when the images
    at hand happen to be confident negatives, so a handful of images speaks for others. NaN, a label that the network
    was never taught, must be NaN in both.
    """
    if (np.isnan(logits) != np.isnan(expected)).any():
        return float("inf")
    return float(np.nan_to_num(np.abs(logits - expected), nan=0.0).max()) / 4


def _build_all(model: Classifier, threads: int | None) -> tuple[dict[str, Engine], dict[str, str]]:
    """The engines that can be built, and why the others cannot."""
    engines: dict[str, Engine] = {}
    missing: dict[str, str] = {}
    for name in ENGINES:
        try:
            engines[name] = build_engine(model, name, threads=threads)
        except EngineError as error:
            missing[name] = str(error)
    return engines, missing


def _interleaved(
    engines: dict[str, Engine], x: np.ndarray, max_s: float, clock: Clock, rounds: int = 3
) -> dict[str, float]:
    """Median milliseconds of each engine, taken in turns so that a busy moment of the machine meets all of them."""
    times: dict[str, list[np.ndarray]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            times[name].append(_timed(engine, x, max_s / rounds, clock))
    return {name: float(np.median(np.concatenate(parts))) for name, parts in times.items()}


def _timed(engine: Engine, x: np.ndarray, max_s: float, clock: Clock) -> np.ndarray:
    return time_calls(lambda: engine.predict(x), warmup=2, runs=20, max_s=max_s, clock=clock)


def _prob_difference(logits: np.ndarray, expected: np.ndarray) -> float:
    return float(np.nan_to_num(np.abs(_sigmoid(logits) - _sigmoid(expected)), nan=0.0).max())


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    # tanh does not overflow where exp(-z) would
    return 0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))
