"""The curves of a job for a logger, from its events: after it is done, or while it is at work."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from cxrkd.jobs.job import Job
from cxrkd.progress import Event
from cxrkd.runs.loggers import Logger
from cxrkd.runs.run import Run
from cxrkd.runs.searching.job import Search

LOOK_EVERY_S = 5.0
FIGURES = ("loss", "task", "distill", "val_auroc", "images_per_s", "size")


def export(job: Job, logger: Logger, *, follow: bool = False) -> int:
    """Write the epochs of a job that a logger has not yet; how many those were.

    Args:
        job: one whose trainings leave epochs: a run, or a search.
        logger: where to.
        follow: go on until the job waits and works no more.

    Raises:
        RunError: the events cannot be read.
        ConfigError: the logger's package is not installed.
    """
    first = at = logger.written()
    if not at and isinstance(job, Run | Search):
        logger.settings(flat(job.config.model_dump(mode="json")))
    while True:
        active = job.state.active  # asked first: what is written until then is not missed
        for event in _epochs(job)[at:]:
            logger.epoch(str(event.get("stage", "training")), event["epoch"], event.get("t", 0.0), figures(event))
            at += 1
        logger.close(at)
        if not (follow and active):
            return at - first
        time.sleep(LOOK_EVERY_S)


def figures(event: Event) -> dict[str, float]:
    """The figures of an epoch by name, its parts as `parts/NAME`; what is no number is left out."""
    parts = event.get("parts") or {}
    named = {name: event.get(name) for name in FIGURES} | {f"parts/{name}": value for name, value in parts.items()}
    return {name: float(value) for name, value in named.items() if value is not None}


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Nested settings as dotted key -> text.

    >>> flat({"a": {"b": 1}, "c": [2, 3]})
    {'a.b': '1', 'c': '[2, 3]'}
    """
    texts: dict[str, str] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        texts |= flat(value, f"{name}.") if isinstance(value, Mapping) else {name: str(value)}
    return texts


def _epochs(job: Job) -> list[Event]:
    return [event for event in job.events() if event["kind"] == "epoch" and event.get("epoch") is not None]
