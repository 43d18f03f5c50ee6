"""Every engine on every network, one image at a time, in the same rounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from scipy.special import expit

from cxrkd.answers.engines import probe
from cxrkd.bench.plan import Plan
from cxrkd.bench.section import Goal, Section, compare
from cxrkd.bench.timing import Measure, Timing, interleave, stopwatch
from cxrkd.errors import EngineError
from cxrkd.models.classifier import Classifier
from cxrkd.runtime.protocol import ENGINES, Engine
from cxrkd.runtime.select import TOLERANCE, build_engine, worst_change

GOAL = Goal(60)
EAGER = "pytorch"


@dataclass(frozen=True)
class Row:
    """One network on one engine; the difference is the largest of a probability from eager PyTorch's.

    It agrees also where its answers to the films of the run were measured and are good enough, as on pages.
    """

    ms: float
    max_abs_prob_diff: float
    agrees: bool


def engines(plan: Plan) -> Iterator[Section]:
    """The student on its best engine against the paper's teacher and its own, both as PyTorch runs them."""
    networks = {model.arch: model for model in (plan.student, plan.teacher, plan.giant)}
    built, missing = build_all(networks)
    timed = interleave({key: _asking(built[key], plan.x) for key in built}, plan.rounds["engines"])
    images = probe(plan.student.input_size)
    rows = {key: _row(built, key, timed[key], images, plan) for key in built}
    best = best_engine(rows, plan.student.arch)
    ours = (f"{plan.student.arch} at {plan.student.works_at} px on {best}, batch 1", timed[plan.student.arch, best])
    detail = {arch: {name: asdict(row) for (a, name), row in rows.items() if a == arch} for arch in networks}
    for reference in dict.fromkeys([plan.giant.arch, plan.teacher.arch]):
        paper = reference == plan.giant.arch
        yield compare(
            f"Student against {reference}",
            ours,
            (f"{reference} in eager PyTorch", timed[reference, EAGER]),
            goal=GOAL if paper else None,
            detail={**detail, "not_available": missing} if paper else None,
            remark=f"The student on eager PyTorch takes {rows[plan.student.arch, EAGER].ms:.1f} ms.",
        )


Key = tuple[str, str]
"""Architecture and engine."""


def build_all(networks: dict[str, Classifier]) -> tuple[dict[Key, Engine], dict[str, str]]:
    """Every network on every engine, and the reason for those that cannot be had."""
    built: dict[Key, Engine] = {}
    missing: dict[str, str] = {}
    for arch, model in networks.items():
        for name in ENGINES:
            try:
                built[arch, name] = build_engine(model, name)
            except EngineError as error:
                missing[f"{arch} {name}"] = str(error)
    return built, missing


def best_engine(rows: dict[Key, Row], arch: str) -> str:
    """The fastest engine of a network whose answer is PyTorch's."""
    agreeing = {name: row.ms for (a, name), row in rows.items() if a == arch and row.agrees}
    return min(agreeing, key=agreeing.__getitem__)


def _asking(engine: Engine, x: np.ndarray) -> Measure:
    return stopwatch(lambda: engine.predict(x))


def _row(built: dict[Key, Engine], key: Key, timing: Timing, images: np.ndarray, plan: Plan) -> Row:
    """Agreement is judged on the images that the product judges it on."""
    eager, own = (built[k].predict(images) for k in ((key[0], EAGER), key))
    difference = float(np.abs(expit(own.astype(np.float64)) - expit(eager.astype(np.float64))).max())
    measured = key[0] == plan.student.arch and key[1] in plan.approximate
    return Row(timing.median_ms, difference, measured or worst_change(own, eager) <= TOLERANCE)
