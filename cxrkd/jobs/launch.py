"""Starting the worker: isolated, written down, and not again and again where it dies at its start.

Three small files in the folder of jobs say how it went, each written by another process: the start by whoever starts,
the word that it is up by the worker itself, the end by its keeper.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxrkd import private
from cxrkd.errors import RunError
from cxrkd.jobs.files import cannot_write, read_versioned, write_json
from cxrkd.jobs.job import own_jobs
from cxrkd.jobs.lease import place
from cxrkd.jobs.locks import deciding, worker_lives
from cxrkd.jobs.process import is_alive, start_mark
from cxrkd.places import PACKAGE, home, isolated_environment, isolated_python

WORKER_LOG = ".worker.log"
START, UP, END = ".worker-start.json", ".worker-up.json", ".worker-end.json"
TOKEN = "CXRKD_WORKER_TOKEN"
VERSION = 1
LOG_LIMIT = 1 << 20
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 600.0
_started: list[subprocess.Popen[bytes]] = []  # keepers, kept to be reaped: an unread child stays as a zombie


@dataclass(frozen=True)
class Launch:
    """The last start of a worker.

    Attributes:
        token: which start; empty where there was none.
        started: epoch seconds, as is ended.
        failures: starts that failed in a row before it.
        log_from: where its lines begin in the worker's log.
        up: it came so far as to look at the queue.
        claimed: it executed a job.
        code: how it ended, a signal as a negative number; None while that is not known.
        alive: it has not ended, as far as can be seen from here.
        here: it was started where we are; of a start elsewhere only its end can be known.
    """

    token: str = ""
    started: float = 0.0
    failures: int = 0
    log_from: int = 0
    up: bool = False
    claimed: bool = False
    code: int | None = None
    ended: float | None = None
    alive: bool = False
    here: bool = True

    @property
    def failed(self) -> bool:
        """Whether it ended at its start, before it did anything for the queue."""
        ended = not self.alive and (self.here or self.code is not None)
        return bool(self.token) and ended and not self.claimed and self.code != 0

    @property
    def failed_in_a_row(self) -> int:
        """Starts that failed, up to this one."""
        return self.failures + 1 if self.failed else 0

    def wait_s(self) -> float:
        """Seconds until another start is worth a try; 0 where it is. A clock that went back is no reason to wait."""
        if not self.failed:
            return 0.0
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self.failures, 10))
        since = time.time() - (self.ended or self.started)
        return pause - since if 0 <= since < pause else 0.0


def last_launch(folder: Path) -> Launch:
    """What is written down about the last start; nothing where no worker was started, or that cannot be read."""
    start, up, end = (_read(folder / name) for name in (START, UP, END))
    token = start.get("token")
    if not isinstance(token, str) or not token:
        return Launch()
    up, end = (record if record.get("token") == token else {} for record in (up, end))
    code, keeper = end.get("code"), start.get("keeper")
    here = start.get("place") == place()
    return Launch(
        token=token,
        started=_number(start.get("started")),
        failures=int(_number(start.get("failures"))),
        log_from=int(_number(start.get("log_from"))),
        up=bool(up),
        claimed=up.get("claimed") is True,
        code=code if isinstance(code, int) else None,
        ended=_number(end.get("ended")) or None,
        alive=not end and here and isinstance(keeper, int) and is_alive(keeper, str(start.get("mark"))),
        here=here,
    )


def ensure_worker(*, at_once: bool = False) -> None:
    """Start the worker unless one lives, or starts just now. Harmless to call often.

    Args:
        at_once: also where the last ones died at their start, and the next try would have to wait.

    Raises:
        RunError: the folder of jobs cannot be written.
    """
    folder = own_jobs().absolute()
    _started[:] = [child for child in _started if child.poll() is None]
    with deciding(folder):
        last = last_launch(folder)
        starting = last.alive and not last.up  # once it is up, its lock tells: it may be about to leave
        if not worker_lives(folder) and not starting and (at_once or last.wait_s() <= 0):
            _started.append(_spawn(folder, last.failed_in_a_row))


def say_up(folder: Path, *, claimed: bool) -> None:
    """The worker's own word that it is up. Said while `deciding`.

    Raises:
        RunError: the folder cannot be written.
    """
    token = os.environ.get(TOKEN)
    if token:
        write_json(folder / UP, {"version": VERSION, "token": token, "claimed": claimed})


def _spawn(folder: Path, failures: int) -> subprocess.Popen[bytes]:
    """The worker with its keeper, in sessions of their own: they outlive the page, the tab and the server."""
    token, log = uuid.uuid4().hex, folder / WORKER_LOG
    try:
        size = log.stat().st_size if log.exists() else 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if size >= LOG_LIMIT else 0)
        handle = os.fdopen(os.open(log, flags, private.FILE), "ab")
    except OSError as error:
        raise cannot_write(folder, error) from error
    record: dict[str, Any] = {"version": VERSION, "token": token, "place": place(), "started": time.time()}
    record |= {"failures": failures, "log_from": size if size < LOG_LIMIT else 0}
    write_json(folder / START, record)
    keeper = [sys.executable, "-I", "-S", str(PACKAGE / "jobs" / "keeper.py"), str(folder / END), token]
    with handle:
        child = subprocess.Popen(
            [*keeper, *isolated_python(), "-m", "cxrkd.jobs.worker"],
            cwd=home(),  # no folder of a job's name lies there, and -P keeps what does from being imported
            env=isolated_environment() | {"CXRKD_HOME": str(home().resolve()), TOKEN: token},
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
        )
    write_json(folder / START, record | {"keeper": child.pid, "mark": start_mark(child.pid)})
    return child


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_versioned(path, VERSION)
    except RunError:  # none yet, or damaged: nothing is known then, and the next start writes it anew
        return {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0
