"""One reading process as its parent sees it: started when it is needed, and again when it has come to its end."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cxrkd.errors import ImageError, NotNowError
from cxrkd.images.apart import wire
from cxrkd.images.apart.limits import Limits
from cxrkd.images.film import Film
from cxrkd.images.limits import crashed, too_slow
from cxrkd.places import isolated_environment, isolated_python

START_SECONDS = 120
OUT_OF_TIME = {-getattr(signal, name) for name in ("SIGXCPU", "SIGALRM") if hasattr(signal, name)}


class ReadingProcess:
    """Reads one file after another. Not for several threads at once; `ReadingPool` sees to that.

    Attributes:
        limits: of one file.
        limited: whether the system bounds the memory; known once a file was read.
    """

    def __init__(self, limits: Limits | None = None, hook: Path | None = None) -> None:
        self.limits, self.limited = limits or Limits(), False
        self._hook = hook
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process; None where there is none now."""
        return None if self._process is None else self._process.pid

    def read(self, data: bytes, name: str, size: int) -> Film:
        """A film at the size of the networks, bit for bit as it would be read here.

        Raises:
            ImageError: whatever is wrong with the file; it takes too long, too much memory, or a decoder crashes on it.
            GateError: the coefficients of the gate are missing or damaged.
        """
        head, bodies = self._answer(data, name, size)
        return wire.film_of(head, bodies, name, partial(self.whole, data, name))

    def whole(self, data: bytes, name: str) -> np.ndarray:
        """The whole picture, float32 (H, W) in [0, 1].

        Raises:
            ImageError: as for `read`.
        """
        return wire.picture_of(*self._answer(data, name, None))

    def _answer(self, data: bytes, name: str, size: int | None) -> tuple[dict[str, Any], Sequence[bytes]]:
        """What comes back; without a size it is the whole picture."""
        process = self._started(name)
        try:
            head, bodies = self._asked(process, {"name": name, "size": size}, data)
        except (OSError, EOFError, ValueError) as error:
            # It is gone, or will be: who was late is killed.
            code, late = self._ended(process)
            raise (too_slow(name, self.limits.seconds) if late or code in OUT_OF_TIME else crashed(name)) from error
        except BaseException:
            self.close()  # an answer that nobody has read would be taken for the next one
            raise
        if self._clock.late:
            self.close()  # killed just after it answered
        if "refused" in head:
            raise ImageError(head["refused"])
        return head, bodies

    def start(self) -> None:
        """Start the process, where there is none.

        Raises:
            ImageError: it does not start.
        """
        self._started("A file")

    def close(self) -> None:
        """End the process, if there is one; the next file starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            _closed(process)

    def _asked(self, process: subprocess.Popen[bytes], head: dict[str, Any], data: bytes) -> Any:
        requests, answers = _streams(process)
        with _Killing(process, self.limits.wall_seconds) as self._clock:
            wire.send(requests, head, data)
            return wire.receive(answers)

    def _ended(self, process: subprocess.Popen[bytes]) -> tuple[int, bool]:
        """Exit status, and whether the clock has ended it."""
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            process.kill()
        self._process = None
        return _closed(process), self._clock.late

    def _started(self, name: str) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        try:
            process = subprocess.Popen(
                _command(self.limits, self._hook),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is meant for the server, which ends this one
            )
        except OSError as error:
            raise _not_started(name) from error
        with _Killing(process, START_SECONDS):
            try:
                head, _ = wire.receive(_streams(process)[1])
            except (OSError, EOFError, ValueError) as error:
                process.kill()
                _closed(process)
                raise _not_started(name) from error
        self.limited, self._process = head["limited"], process
        return process


class _Killing:
    """A block at whose end a process has answered, or is killed after some seconds by the clock."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.late = False
        self._process = process
        self._timer = threading.Timer(seconds, self._kill)
        self._timer.daemon = True

    def __enter__(self) -> _Killing:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _kill(self) -> None:
        self.late = True
        self._process.kill()


def _command(limits: Limits, hook: Path | None) -> Sequence[str]:
    own = ["-W", "ignore", "-m", "cxrkd.images.apart.child", json.dumps(asdict(limits))]
    return [*isolated_python(), *own, *([str(hook)] if hook else [])]


def _environment() -> dict[str, str]:
    """One thread a library."""
    return isolated_environment() | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def _streams(process: subprocess.Popen[bytes]) -> tuple[BinaryIO, BinaryIO]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("a process without pipes")
    return process.stdin, process.stdout  # type: ignore[return-value]


def _closed(process: subprocess.Popen[bytes]) -> int:
    """Exit status of a process that ends; its pipes are closed, though what was to be written did not arrive."""
    code = process.wait()
    for stream in _streams(process):
        try:
            stream.close()
        except BrokenPipeError:
            continue  # the unwritten rest of a request; the descriptor is closed all the same
    return code


def _not_started(name: str) -> NotNowError:
    return NotNowError(
        f"{name} cannot be read now: the process that decodes files does not start on this machine. Try again in a "
        "minute; if it stays so, the server's log says why."
    )
