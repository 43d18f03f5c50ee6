"""How the queue is doing: is there a worker, how did the last one end, what waits. One line when all is well."""

from __future__ import annotations

import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cxrkd.errors import RunError
from cxrkd.jobs.job import list_own_jobs, own_jobs
from cxrkd.jobs.launch import WORKER_LOG, Launch, last_launch
from cxrkd.jobs.locks import deciding, worker_lives
from cxrkd.text import cut, duration, legible

LONGEST_ERROR = 200
_LOG_END = 8192
_STOPPED = (0, -signal.SIGTERM, 128 + signal.SIGTERM)  # how a worker ends that was told to


@dataclass(frozen=True)
class Health:
    """The queue of this machine.

    Attributes:
        worker: whether one lives: at work, or just being started.
        started: when the last worker was started, epoch seconds; None where none was.
        ended: when it ended; None while it lives or where that is not known.
        code: its exit code, a signal as a negative number.
        broke: it did not end well. error: then the last line of its log, cut to a length.
        failed_starts: workers in a row that died before they did anything.
        retry_s: seconds until the next start is tried.
        running: ids of jobs at work. queued: ids of those that wait. unreadable: of those that cannot be read.
        trouble: why the queue itself cannot be read or written; empty where it can.
    """

    worker: bool
    started: float | None
    ended: float | None
    code: int | None
    broke: bool
    error: str
    failed_starts: int
    retry_s: float
    running: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def failing(self) -> bool:
        """Whether something broke: the last worker, its start, or the queue itself."""
        return bool(self.trouble or self.broke or self.failed_starts)

    @property
    def well(self) -> bool:
        """Whether nobody has to do anything: nothing broke, and what waits has a worker."""
        waits_for_nobody = bool(self.queued) and not self.worker and not self.running
        return not self.failing and not waits_for_nobody

    def line(self, *, quoting: bool = True) -> str:
        """All of it in a sentence or two.

        Args:
            quoting: with the worker's own last words, which may hold paths of this machine.
        """
        ended = self.how_it_ended() if quoting else _ending(self.code)
        waiting = f"{len(self.queued)} waiting" if self.queued else "nothing waits"
        if self.trouble:
            return f"The queue cannot work: {self.trouble}"
        if self.failed_starts:
            times = "" if self.failed_starts == 1 else f", {self.failed_starts} times in a row"
            then = f"; it is tried again in {duration(self.retry_s)}" if self.retry_s else "; the next try is due"
            return f"The worker died at its start{times} ({ended}), {waiting}{then}."
        if self.worker or self.running:
            at = f"at work on {', '.join(self.running)}" if self.running else "starting"
            return f"Worker {at}, {waiting}."
        if self.broke:
            return f"The last worker did not end well ({ended}), {waiting}."
        return f"No worker lives, {waiting}." if self.queued else "The queue is at rest: nothing waits."

    def how_it_ended(self) -> str:
        """Exit code or signal, and the last line that it wrote."""
        return ": ".join(part for part in (_ending(self.code), self.error) if part)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"well": self.well, "line": self.line()}


def health() -> Health:
    """How the queue of this machine is doing now. Reads only; nothing is started."""
    folder, trouble, working = own_jobs(), "", False
    last = Launch()
    try:
        if folder.exists():
            with deciding(folder):  # looking at the worker's lock takes it for a moment
                working, last = worker_lives(folder), last_launch(folder)
        states = [(job.id, job.state.status) for job in list_own_jobs()]
    except (RunError, OSError) as error:
        states, trouble = [], str(error)
    by = {
        status: tuple(name for name, its in states if its == status) for status in ("running", "queued", "unreadable")
    }
    ended_well = working or last.alive or last.code in _STOPPED or (last.code is None and not last.failed)
    return Health(
        worker=working or last.alive,
        started=last.started or None,
        ended=last.ended,
        code=last.code,
        broke=not ended_well,
        error="" if ended_well else _last_line(folder / WORKER_LOG, last.log_from),
        failed_starts=0 if working else last.failed_in_a_row,
        retry_s=last.wait_s(),
        running=by["running"],
        queued=tuple(reversed(by["queued"])),
        unreadable=by["unreadable"],
        trouble=trouble,
    )


def _ending(code: int | None) -> str:
    if code is None:
        return "it ended without a word: the machine or the container was stopped"
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
    return f"killed by {name}{', perhaps for want of memory' if code == -signal.SIGKILL else ''}"


def _last_line(log: Path, start: int) -> str:
    """The last line that a worker wrote, cut to a length; empty where it wrote none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(start, size - _LOG_END))
            lines = file.read(_LOG_END).decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return cut(legible(last), LONGEST_ERROR)
