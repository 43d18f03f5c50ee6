"""Who executes a job, where several containers or machines share one home.

A process id means something only where the process is, and a lock of one container may not hold in another. So who
executes a job leaves a lease in its folder: where it is, which process, and a heart that touches the file. Seen from
the same place the process itself is asked. Seen from elsewhere the lease is fresh while the heart beats. No clock of
any machine is trusted: the age of a beat is taken against a file just touched on the same file system, a clock that
went backwards is met by watching whether the beat changes, and nothing is taken over before a watch without a beat.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from cxrkd.atomic import PART
from cxrkd.errors import RunError
from cxrkd.jobs.files import MissingFileError, cannot_write, read_versioned
from cxrkd.jobs.process import is_alive, start_mark

LEASE = ".lease.json"
VERSION = 1
BEAT_S = 5.0
STALE_S = 60.0  # importing torch on a loaded machine can starve the heart for long
WATCH_S = 2 * BEAT_S + 1.0
LOST = signal.SIGUSR1  # ends whoever executes a job that is his no more; a worker then goes on with the next
_seen: dict[Path, tuple[int, float]] = {}  # the last beat that was seen, and when by our own monotonic clock


@dataclass(frozen=True)
class Lease:
    """Who executes: `token` is unique, `place` and `pid` with its `mark` say where; empty of a damaged file."""

    token: str = ""
    place: str = ""
    pid: int = 0
    mark: str = ""

    @property
    def here(self) -> bool:
        """Whether its process id means something here."""
        return self.place == place()


@cache
def place() -> str:
    """A text that processes share which see one another: of one machine, boot and container."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]  # job folders are shared: no names


def read_lease(folder: Path) -> Lease | None:
    """The lease in a folder; None where there is none, an empty one where it cannot be read."""
    try:
        document = read_versioned(folder / LEASE, VERSION)
        lease = Lease(**document)
    except MissingFileError:
        return None
    except (RunError, TypeError):
        return Lease()
    right = all(isinstance(v, str) for v in (lease.token, lease.place, lease.mark)) and isinstance(lease.pid, int)
    return lease if right else Lease()


def is_held(folder: Path) -> bool:
    """Whether somebody, here or elsewhere, executes the job in `folder` by its lease."""
    lease = read_lease(folder)
    if lease is None:
        return False
    return is_alive(lease.pid, lease.mark) if lease.here else _is_fresh(folder / LEASE)


def take(folder: Path) -> Lease:
    """Become the one who executes; a lease of this very process is kept. One of elsewhere is watched before it falls.

    Raises:
        RunError: somebody else executes the job, or the folder cannot be written.
    """
    path, theirs = folder / LEASE, read_lease(folder)
    mine = Lease(uuid.uuid4().hex, place(), os.getpid(), start_mark(os.getpid()) or "")
    if theirs is not None:
        if (theirs.place, theirs.pid, theirs.mark) == (mine.place, mine.pid, mine.mark):
            return theirs
        if is_held(folder) or (not theirs.here and _beats_within(path, WATCH_S)):
            where = f"in process {theirs.pid}" if theirs.here else "on another machine or in another container"
            raise RunError(f"{folder.name} is running already, {where}; wait for it or cancel it")
    try:
        if theirs is not None:
            _put_away(path, theirs)
        _write_new(path, mine)
    except FileExistsError as error:
        raise RunError(f"{folder.name} is running already: somebody was quicker") from error
    except OSError as error:
        raise cannot_write(folder, error) from error
    return mine


def revoke(folder: Path) -> None:
    """Take the lease away: who executes elsewhere stops at its next beat.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        (folder / LEASE).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


class Heart:
    """Touches a lease while its process executes the job, and notices when the lease is somebody else's.

    `on_lost` is called once, from the heart's thread: the job was cancelled, deleted or taken over from elsewhere.
    """

    def __init__(self, folder: Path, lease: Lease) -> None:
        self.folder, self.lease = folder, lease
        self.on_lost: Callable[[], None] = lambda: None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name=f"heart of {folder.name}", daemon=True)
        self._thread.start()

    @property
    def beating(self) -> bool:
        """Whether the lease is still ours as far as is known."""
        return self._thread.is_alive() and not self._stop.is_set()

    def beat(self) -> bool:
        """Touch the lease; False when it is ours no more."""
        if read_lease(self.folder) not in (self.lease, Lease()):  # a damaged one is nobody else's
            return False
        with suppress(OSError):  # a missed beat is seen by those who look, and by nobody else
            os.utime(self.folder / LEASE)
        return True

    def stop(self) -> None:
        """Beat no more, and give the lease back."""
        self._stop.set()
        self._thread.join()
        if read_lease(self.folder) == self.lease:
            with suppress(OSError):  # on a disk gone read-only it goes stale instead
                (self.folder / LEASE).unlink(missing_ok=True)

    def _beat_on(self) -> None:
        while not self._stop.wait(BEAT_S):
            if not self.beat():
                self._stop.set()
                self.on_lost()


def _is_fresh(path: Path) -> bool:
    beat = _beat_of(path)
    if beat is None:
        return False
    last, since = _seen.get(path, (None, 0.0))
    if last != beat:
        since = time.monotonic()
        _seen[path] = beat, since
    if time.monotonic() - since > STALE_S:
        return False
    return clock_of(path.parent, beat) - beat <= STALE_S * 1e9  # in the future: the clock went back, so watch


def _beats_within(path: Path, seconds: float) -> bool:
    """Watch for a beat; nobody's clock is asked."""
    before, end = _beat_of(path), time.monotonic() + seconds
    while time.monotonic() < end:
        if _beat_of(path) != before:
            return True
        time.sleep(min(0.2, seconds / 5))
    return False


def _beat_of(path: Path) -> int | None:
    """When a lease was touched, by the clock of its file system; opened, so that a network's cache is refreshed."""
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return None


def clock_of(folder: Path, otherwise: int) -> int:
    """What the file system of `folder` takes for now, in nanoseconds; `otherwise` where it cannot be asked."""
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=PART)
    except OSError:
        return otherwise
    try:
        return os.fstat(handle).st_mtime_ns
    finally:
        os.close(handle)
        Path(name).unlink(missing_ok=True)  # a job that starts just now sweeps such files


def _put_away(path: Path, lease: Lease) -> None:
    """Remove a lease that fell; of two who try, the second finds another one and leaves it."""
    aside = path.with_name(f"{PART}{uuid.uuid4().hex}")
    os.rename(path, aside)
    try:
        if read_versioned(aside, VERSION) != asdict(lease) and lease != Lease():
            os.link(aside, path)
            raise FileExistsError(path)
    except RunError:
        if lease != Lease():
            raise
    finally:
        aside.unlink(missing_ok=True)


def _write_new(path: Path, lease: Lease) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(json.dumps({"version": VERSION, **asdict(lease)}))
