"""Where a job says what it is doing: events for pages, state for lists, a log for people, a record for resume."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cxrkd.errors import RunError
from cxrkd.jobs.events import EVENTS, append_event, event_sentence, read_events
from cxrkd.jobs.files import read_json, write_json
from cxrkd.jobs.progress import Follower, JobProgress
from cxrkd.progress import Event, OnEvent

log = logging.getLogger("cxrkd.jobs")


class Reporter:
    """Tells the outside about the stages of the job in `folder`, and remembers which are done.

    `sentence` says of an event what the log has.
    `follower` is told of the progress of the whole.
    `seconds` are those of the attempt that finished the stage: time lost to an interruption is not in them.
    """

    def __init__(
        self, folder: Path, sentence: Callable[[Event], str] = event_sentence, follower: Follower | None = None
    ) -> None:
        self.folder, self._sentence = folder, sentence
        self.progress = JobProgress(folder, {}, follower=follower)
        self._record = folder / "work" / "stages.json"
        self.seconds = _read_record(self._record)
        self._largest = _furthest(read_events(folder / EVENTS))

    def plan(self, weights: dict[str, float]) -> None:
        """Say which stages there are, by name, with a guess of the seconds of each."""
        self.progress.weights = weights

    def is_done(self, stage: str) -> bool:
        """Whether a stage was finished, now or before an interruption."""
        return stage in self.seconds

    @contextmanager
    def stage(self, name: str, title: str, **details: Any) -> Iterator[OnEvent]:
        """Everything a stage does happens inside; yields where its events go. Reaching the end records it as done."""
        self.progress.begin(name, title)
        self.emit({"kind": "stage", "stage": name, "title": title, **details})

        def on_event(event: Event) -> None:
            if event["kind"] == "progress":
                self.progress.update(title, event["fraction"], event.get("eta_s"))
                event = event | {"fraction": self._further(name, event["fraction"]), "progress": self.progress.reached}
            self.emit({**event, "stage": name, **details})

        yield on_event
        seconds = self.progress.end(name)
        self.seconds[name] = round(seconds, 1)
        write_json(self._record, self.seconds)

    def skip(self, name: str) -> None:
        """A stage was finished before; count it as such."""
        self.progress.done.add(name)

    def _further(self, stage: str, fraction: float) -> float:
        """A stage's share as it is told: never less than was told before the job was interrupted."""
        self._largest[stage] = max(fraction, self._largest.get(stage, 0.0))
        return self._largest[stage]

    def emit(self, event: Event) -> None:
        """Append an event, and a line to the log for those that people want to read."""
        append_event(self.folder / EVENTS, event)
        if event["kind"] != "progress":
            log.info("%s", self._sentence(event))


def _read_record(path: Path) -> dict[str, float]:
    """Stage -> its seconds, of those that are done. A damaged record costs time, not the job: stages are done again."""
    try:
        seconds = read_json(path)
    except RunError:
        return {}
    right = isinstance(seconds, dict) and all(isinstance(s, int | float) and s >= 0 for s in seconds.values())
    return seconds if right else {}


def _furthest(events: list[Event]) -> dict[str, float]:
    """Stage -> the largest share that was told of it."""
    largest: dict[str, float] = {}
    for event in events:
        stage, fraction = event.get("stage"), event.get("fraction")
        if event["kind"] == "progress" and stage is not None and fraction is not None:
            largest[stage] = max(fraction, largest.get(stage, 0.0))
    return largest
