"""Where a job stands: one small file, rewritten whole, and read by its schema."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from cxrkd.jobs.files import damaged, read_versioned, write_json
from cxrkd.jobs.lease import is_held, place
from cxrkd.jobs.process import is_alive
from cxrkd.jobs.schema import reason

Status = Literal["queued", "running", "done", "failed", "cancelled", "interrupted", "unreadable"]
STATE = "state.json"
VERSION = 1
LAST_S = 9e9  # the year 2255: what every calendar here can show
Moment = Annotated[float, Field(ge=0, le=LAST_S)]


@dataclass(frozen=True)
class JobState:
    """State of a job.

    Attributes:
        status: "interrupted" is a job that can be resumed: its process died, or it was never started. "unreadable" is
            never written: it stands for a job whose files cannot be read (see `Job.state`).
        stage: what is being done, for people.
        progress: 0..1 over the whole job.
        eta_s: seconds left, None when unknown.
        message: why it failed or cannot be read; empty otherwise.
        pid: process that executes it, with pid_started (see `cxrkd.jobs.process`); None when none does.
        created: epoch seconds, as are started and finished.
        order: counts the jobs made on this home, because clocks go backwards; 0 in states of older versions.
        place: where that process is (see `cxrkd.jobs.lease`); None in states of older versions.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    status: Status
    stage: str = ""
    progress: Annotated[float, Field(ge=0, le=1)] = 0.0
    eta_s: Annotated[float, Field(ge=0)] | None = None
    message: str = ""
    pid: Annotated[int, Field(gt=0, lt=2**31)] | None = None
    pid_started: str | None = None
    created: Moment = 0.0
    started: Moment | None = None
    finished: Moment | None = None
    order: Annotated[int, Field(ge=0, le=10**12)] = 0
    place: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @property
    def active(self) -> bool:
        """Whether it is waiting or running: a page polls only these."""
        return self.status in ("queued", "running")

    @property
    def execution(self) -> str:
        """Name of the execution that is under way, which another one of the same job has not."""
        return f"{self.place}-{self.pid}-{self.pid_started}"

    @property
    def seconds(self) -> float | None:
        """How long it took, as far as clocks tell; None while that is not known."""
        if self.started is None or self.finished is None:
            return None
        return max(0.0, self.finished - self.started)

    @property
    def turn(self) -> tuple[int, float]:
        """What jobs are ordered by, the oldest first."""
        return self.order, self.created

    def at_rest(self, status: Status, **changes: Any) -> JobState:
        """The state of a job that no process executes any more."""
        rest = {"pid": None, "pid_started": None, "place": None, "eta_s": None}
        return replace(self, status=status, **(rest | changes))


_SCHEMA = TypeAdapter(JobState)


def now(*earlier: float | None) -> float:
    """Epoch seconds, never before what this job has seen already: clocks go backwards."""
    return max([time.time(), *(moment for moment in earlier if moment is not None)])


def read_state(folder: Path) -> JobState:
    """The state of the job in `folder`; a "running" one whose process is gone reads as "interrupted".

    Raises:
        RunError: the file is missing or damaged, or a newer version wrote it.
    """
    raw = read_versioned(folder / STATE, VERSION)
    try:
        state = _SCHEMA.validate_json(json.dumps(raw))
    except ValidationError as error:
        raise damaged(folder / STATE, reason(error)) from error
    if state.status == "unreadable":
        raise damaged(folder / STATE, "'unreadable' is no state that is written")
    return state.at_rest("interrupted") if state.status == "running" and not _lives(folder, state) else state


def write_state(folder: Path, state: JobState) -> None:
    """Replace the state of the job in `folder`.

    Raises:
        RunError: the folder cannot be written.
    """
    write_json(folder / STATE, {"version": VERSION, **state.to_dict()})


def _lives(folder: Path, state: JobState) -> bool:
    """Whether the process that executes a job lives: asked itself where it is here, by its lease elsewhere."""
    here = state.place in (None, place())
    return is_alive(state.pid, state.pid_started) if here else is_held(folder)
