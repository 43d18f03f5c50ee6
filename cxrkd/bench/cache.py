"""An epoch of distillation with cached teacher logits, against a plain epoch and against the teacher in the loop."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cxrkd.bench.plan import Plan
from cxrkd.bench.section import Goal, Section, compare
from cxrkd.bench.timing import Measure, interleave
from cxrkd.config import ObjectiveConfig
from cxrkd.data import load_cohort
from cxrkd.data.cohort import Cohort
from cxrkd.distill.loss import Loss, control, objective
from cxrkd.models.classifier import Classifier
from cxrkd.train.fit import fit
from cxrkd.train.predict import predict_logits

GOAL = Goal(1.1, at_least=False)


def cache(plan: Plan) -> Iterator[Section]:
    """Seconds of one epoch through `cxrkd.train.fit`, validation included, three ways."""
    cohort = load_cohort(plan.data)
    cohort.prepare()
    began = time.perf_counter()
    logits_t = predict_logits(plan.teacher, cohort.images)
    ask_s = time.perf_counter() - began
    config = ObjectiveConfig.named("paper")
    distil = objective(config, plan.student)
    contenders = {
        "plain": _epoch(plan, cohort, control(config)),
        "cached": _epoch(plan, cohort, distil, teacher_logits=logits_t),
        "loop": _epoch(plan, cohort, distil, teacher=plan.teacher),
    }
    timed = interleave(contenders, plan.rounds["cache"])
    epoch = f"an epoch of {len(cohort.rows('train'))} images, batches of {plan.train.batch_size} ({plan.student.arch})"
    cached = (f"{epoch}, distilled from cached logits", timed["cached"])
    detail = {"teacher": plan.teacher.arch, "filling_the_cache_once_s": ask_s, "images_in_cache": len(cohort)}
    yield compare(
        "Distillation epoch, cached logits, cost of",
        cached,
        ("the same epoch without distillation", timed["plain"]),
        goal=GOAL,
        detail=detail,
        remark="The cache leaves a lookup and a second loss term; the rest is the student's own forward and backward.",
    )
    loop = ("the same epoch with the teacher asked about every batch", timed["loop"])
    yield compare("Cached logits against the teacher in the loop", cached, loop)


def _epoch(
    plan: Plan,
    cohort: Cohort,
    loss: Loss,
    teacher_logits: np.ndarray | None = None,
    teacher: Classifier | None = None,
) -> Measure:
    """One epoch on a fresh copy; its milliseconds as the training itself reports them."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as folder:
            model = copy.deepcopy(plan.student)
            report = fit(
                model,
                cohort,
                plan.train,
                loss,
                teacher_logits=teacher_logits,
                teacher=teacher,
                seed=0,
                work_dir=Path(folder),
                on_event=lambda _: None,
            )
        return report.epochs[0].seconds * 1e3

    return measure
