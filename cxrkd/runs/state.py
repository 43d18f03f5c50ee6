"""Where a run stands: one small file, rewritten whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from cxrkd.errors import RunError
from cxrkd.runs.files import read_json, write_json
from cxrkd.runs.process import is_alive

Status = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
STATE = "state.json"


@dataclass(frozen=True)
class RunState:
    """State of a run.

    Attributes:
        status: "interrupted" is a run that can be resumed: its process died, or it was never started.
        stage: what is being done, for people.
        progress: 0..1 over the whole run.
        eta_s: seconds left, None when unknown.
        message: why it failed; empty otherwise.
        pid: process that executes it, with pid_started (see `cxrkd.runs.process`); None when none does.
        created: epoch seconds, as are started and finished.
    """

    status: Status
    stage: str = ""
    progress: float = 0.0
    eta_s: float | None = None
    message: str = ""
    pid: int | None = None
    pid_started: str | None = None
    created: float = 0.0
    started: float | None = None
    finished: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @property
    def active(self) -> bool:
        """Whether it is waiting or running: a page polls only these."""
        return self.status in ("queued", "running")


def read_state(folder: Path) -> RunState:
    """The state of the run in `folder`; a "running" one whose process is gone reads as "interrupted".

    Raises:
        RunError: the file is missing or damaged.
    """
    raw = read_json(folder / STATE)
    names = {f.name for f in fields(RunState)}
    if not isinstance(raw, dict) or "status" not in raw or set(raw) - names:
        raise RunError(f"{folder.name}: {STATE} is not the state of a run; the run is damaged")
    state = RunState(**raw)
    if state.status == "running" and not is_alive(state.pid, state.pid_started):
        return replace(state, status="interrupted", pid=None, pid_started=None, eta_s=None)
    return state


def write_state(folder: Path, state: RunState) -> None:
    """Replace the state of the run in `folder`.

    Raises:
        RunError: the folder cannot be written.
    """
    write_json(folder / STATE, state.to_dict())
