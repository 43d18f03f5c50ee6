"""Where a recipe says what it is doing: events for pages, state for lists, a log for people, a record for resume."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cxrkd.errors import RunError
from cxrkd.jobs.events import append_event, read_events
from cxrkd.jobs.files import read_json, write_json
from cxrkd.jobs.job import EVENTS
from cxrkd.jobs.progress import Progress
from cxrkd.progress import Event, OnEvent

log = logging.getLogger("cxrkd.runs")


class Reporter:
    """Tells the outside about the stages of the run in `folder`, and remembers which are done.

    `seconds` are those of the attempt that finished the stage: time lost to an interruption is not in them.
    """

    def __init__(self, folder: Path, weights: dict[str, float]) -> None:
        self.folder = folder
        self.progress = Progress(folder, weights)
        self._record = folder / "work" / "stages.json"
        self.seconds = _read_record(self._record)
        self._told = _furthest(read_events(folder / EVENTS))

    def is_done(self, stage: str) -> bool:
        """Whether a stage was finished, now or before an interruption."""
        return stage in self.seconds

    @contextmanager
    def stage(self, name: str, title: str, **about: Any) -> Iterator[OnEvent]:
        """Everything a stage does happens inside; yields where its events go. Reaching the end records it as done."""
        self.progress.begin(name, title)
        self.emit({"kind": "stage", "stage": name, "title": title, **about})

        def on_event(event: Event) -> None:
            if event["kind"] == "progress":
                self.progress.update(title, event["fraction"], event.get("eta_s"))
                event = event | {"fraction": self._further(name, event["fraction"]), "progress": self.progress.reached}
            self.emit({**event, "stage": name, **about})

        yield on_event
        seconds = self.progress.end(name)
        self.seconds[name] = round(seconds, 1)
        write_json(self._record, self.seconds)

    def skip(self, name: str) -> None:
        """A stage was finished before; count it as such."""
        self.progress.done.add(name)

    def _further(self, stage: str, fraction: float) -> float:
        """A stage's share as it is told: never less than was told before the run was interrupted."""
        self._told[stage] = max(fraction, self._told.get(stage, 0.0))
        return self._told[stage]

    def emit(self, event: Event) -> None:
        """Append an event, and a line to the log for those that people want to read."""
        append_event(self.folder / EVENTS, event)
        if event["kind"] != "progress":
            log.info("%s", _sentence(event))


def _read_record(path: Path) -> dict[str, float]:
    """Stage -> its seconds, of those that are done. A damaged record costs time, not the run: stages are done again."""
    try:
        found = read_json(path)
    except RunError:
        return {}
    right = isinstance(found, dict) and all(isinstance(s, int | float) and s >= 0 for s in found.values())
    return found if right else {}


def _furthest(events: list[Event]) -> dict[str, float]:
    """Stage -> the largest share that was told of it."""
    found: dict[str, float] = {}
    for event in events:
        stage, fraction = event.get("stage"), event.get("fraction")
        if event["kind"] == "progress" and stage is not None and fraction is not None:
            found[stage] = max(fraction, found.get(stage, 0.0))
    return found


def _sentence(event: Event) -> str:
    if event["kind"] == "stage":
        return str(event["title"])
    if event["kind"] == "epoch":
        return (
            f"  epoch {event['epoch']}/{event['epochs']} at {event['size']} px: loss {event['loss']:.4f}, "
            f"val AUROC {event['val_auroc']:.4f}, {event['images_per_s']:.0f} images/s"
        )
    return f"{event['kind']}: {event.get('message', '')}".rstrip(": ")
