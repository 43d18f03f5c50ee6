"""Processes told apart by pid *and* start time, because the system hands pids out again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path


def start_mark(pid: int) -> str | None:
    """A text that only this incarnation of `pid` has; None when no such process lives (a zombie does not).

    On Linux the clock ticks between boot and start, from `/proc/<pid>/stat`; elsewhere what `ps` prints.
    """
    if Path("/proc/self/stat").exists():
        return _from_proc(pid)
    return _from_ps(pid)


def _from_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the command's name before it may hold spaces and brackets
    state, threads, started = fields[0], int(fields[17]), fields[19]
    # A leader that is a zombie while its threads still end keeps files open, and with them the worker's lock.
    return None if state in "ZX" and threads <= 1 else started


def _from_ps(pid: int) -> str | None:
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = shown.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


def is_alive(pid: int | None, mark: str | None) -> bool:
    """Whether the process that had this pid and start mark still runs."""
    return pid is not None and mark is not None and start_mark(pid) == mark


def kill_group(pid: int, mark: str, grace_s: float) -> None:
    """Ask the process group led by `pid` to end, wait, then force it. Does nothing if `pid` is another process now."""
    if not is_alive(pid, mark):
        return
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while is_alive(pid, mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    if is_alive(pid, mark):
        _signal(pid, signal.SIGKILL)
        while is_alive(pid, mark):
            time.sleep(0.02)


def _signal(pid: int, number: signal.Signals) -> None:
    """Send to the whole group when `pid` leads one, else to the process alone (a job executed from a shell)."""
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return
