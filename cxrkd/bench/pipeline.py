"""Batches of the input pipeline against the training steps that take them: whether the device has to wait."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial

import numpy as np

from cxrkd.bench.plan import Plan
from cxrkd.bench.section import Section, compare
from cxrkd.bench.timing import interleave, stopwatch
from cxrkd.config import ObjectiveConfig
from cxrkd.data import load_cohort
from cxrkd.distill.loss import objective
from cxrkd.runs.speed import stepper
from cxrkd.train.batches import Batches
from cxrkd.train.device import device
from cxrkd.train.schedule import plan as schedule_of

WAYS: dict[str, dict[str, bool]] = {
    "as they come": {},
    "turned and toned": {"augment": True},
    "turned, toned and degraded": {"augment": True, "degrade": True},
}
"""How films are changed -> the settings of it."""


def pipeline(plan: Plan) -> Iterator[Section]:
    """Milliseconds of one batch, changed in three ways, and of a distillation step from cached answers with its own."""
    cohort = load_cohort(plan.data)
    cohort.prepare()
    schedule = schedule_of(plan.train, len(cohort.rows("train")), plan.student.input_size)
    answers = np.zeros(cohort.targets.shape, np.float32)

    def batches(settings: dict[str, bool]) -> Batches:
        return Batches(cohort, schedule, 0, plan.train.model_copy(update=settings), answers, device())

    model = copy.deepcopy(plan.student).to(device())
    loss = objective(ObjectiveConfig.named("paper"), model)
    contenders = {name: stopwatch(partial(batches(ways).at, 0)) for name, ways in WAYS.items()}
    contenders["step"] = stopwatch(stepper(model, cohort, plan.train, loss, None))
    timed = interleave(contenders, plan.rounds["pipeline"])
    step = (f"a training step that makes its own batch of films as they come ({model.arch})", timed["step"])
    for name in WAYS:
        images_s = {side: schedule.batch_size / timed[side].median_ms * 1e3 for side in (name, "step")}
        yield compare(
            f"Input pipeline, films {name}",
            (f"a batch of {schedule.batch_size} films, {name}", timed[name]),
            step,
            detail={"images_per_s": images_s, "device": device().type},
            remark="How many times as many films a second one process makes as one process learns from.",
        )
