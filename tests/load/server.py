"""The server under load: its own process, its memory and its processor time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTS_IN_S = 180


@dataclass(frozen=True)
class Server:
    """A running dashboard: its address and its process."""

    address: str
    pid: int

    def rss_mb(self) -> float:
        """Resident memory of the server, without its helpers, in MB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu_s(self) -> float:
        """Processor seconds of the server, without its helpers."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(code: Path, home: Path, port: int) -> Iterator[Server]:
    """The dashboard of a checkout, until the block ends.

    Args:
        code: the checkout whose code runs.
        home: its CXRKD_HOME; the log lies there as server.log.
        port: where it listens.

    Raises:
        RuntimeError: it did not answer.
    """
    home.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"CXRKD_HOME": str(home), "PYTHONPATH": str(code)}
    command = [sys.executable, "-m", "cxrkd", "app", "--port", str(port), "--", "--server.headless", "true"]
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=code, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/_stcore/health", process)
            yield Server(address, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + STARTS_IN_S
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the server did not answer (exit code {process.poll()}); its log is server.log in its home")
