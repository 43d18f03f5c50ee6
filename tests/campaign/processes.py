"""Commands in processes of their own that cost no import: forked, watched, and killed where they are told to be.

A kill is counted in what a command does to the files below its home (opened for writing, renamed, made, removed), not
in seconds, so that it falls where something can be torn, on a slow machine as on a fast one; a delay of some
milliseconds after that brings it into the middle of a write.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 600.0
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Kill:
    """Where a process dies: before its `at`-th change of a file, or that long after it."""

    at: int
    delay_s: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code; negative where a signal ended it, None where nothing did in time.
        said: what it wrote to stderr, and out: to stdout.
        changes: how often it changed a file below its home.
    """

    code: int | None
    out: str
    said: str
    changes: int

    @property
    def killed(self) -> bool:
        return self.code is not None and self.code < 0


def cli(*words: object) -> Callable[[], int | None]:
    """A command of cxrkd, which starts no worker behind our back."""

    def call() -> int | None:
        from cxrkd.cli import main
        from cxrkd.jobs import queue

        queue.ensure_worker = lambda *_, **__: None
        return main([str(word) for word in words])

    return call


def work() -> None:
    """What the worker process does: execute what is queued, until nothing is."""
    from cxrkd.jobs import worker

    worker.main()


def run(
    home: Path,
    call: Callable[[], int | None],
    kill: Kill | None = None,
    before: Sequence[Callable[[], None]] = (),
    limit_s: float = LIMIT_S,
) -> Ended:
    """Call it in a fork of this process, with `home` as CXRKD_HOME; `before` is called first, in the fork."""
    with tempfile.TemporaryDirectory(prefix="process-") as folder:
        desk = Path(folder)
        code = wait(start(home, call, kill, before, desk), limit_s)
        read = [(desk / name).read_text(errors="replace") for name in ("out", "err", "changes")]
    return Ended(code, read[0], read[1], int(read[2] or 0))


def start(
    home: Path, call: Callable[[], int | None], kill: Kill | None, before: Sequence[Callable[[], None]], desk: Path
) -> int:
    """The fork alone; its output goes into `desk`. Returns its process id."""
    if threading.active_count() > 1:
        raise RuntimeError("expected one thread: a fork takes no other along, and whatever those held stays held")
    sys.stdout.flush(), sys.stderr.flush()
    pid = os.fork()
    if not pid:
        _be(home, call, kill, before, desk)
    return pid


def wait(pid: int, limit_s: float) -> int | None:
    """Its exit code, as soon as it ends; past the limit it is killed, and what it started with it."""
    handle = os.pidfd_open(pid)
    in_time = bool(select.select([handle], [], [], limit_s)[0])
    os.close(handle)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # the zombie keeps its id until it is waited for
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if in_time else None


def _be(home: Path, call, kill: Kill | None, before, desk: Path) -> None:
    """The life of the fork; never returns."""
    code = 70
    try:
        os.setsid()
        os.environ["CXRKD_HOME"] = str(home)
        for name, number in (("out", 1), ("err", 2)):
            os.dup2(os.open(desk / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        changes = os.open(desk / "changes", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        for ready in before:
            ready()
        sys.addaudithook(_counting(home, kill, changes))
        code = call() or 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)


def _counting(home: Path, kill: Kill | None, handle: int) -> Callable[[str, tuple], None]:
    below, seen = str(home) + os.sep, 0

    def hook(event: str, args: tuple) -> None:
        nonlocal seen
        if not _changes(event, args, below):
            return
        seen += 1
        os.pwrite(handle, str(seen).encode(), 0)
        if kill is not None and seen == kill.at:
            _die(kill.delay_s)

    return hook


def _changes(event: str, args: tuple, below: str) -> bool:
    if event == "open":
        path, _, flags = args
        return isinstance(path, str) and path.startswith(below) and bool((flags or 0) & WRITES)
    return event in CHANGES and str(args[0]).startswith(below)


def _die(delay_s: float) -> None:
    """At once, or wherever the process is after the delay, in whatever code: nobody handles this alarm."""
    if not delay_s:
        os.kill(os.getpid(), signal.SIGKILL)
    signal.setitimer(signal.ITIMER_REAL, delay_s)
