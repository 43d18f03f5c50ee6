"""A dashboard that answers on a port of its own, ended with the test that asked for it."""

import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager

import pytest


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(command, port, home, **how):
    """Run a command that serves on a port of this machine; yields the address once it answers."""
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **how)
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()  # it has nothing to save, and says goodbye to open tabs for longer than a test should wait
            server.wait()


def _wait_for(address, server):
    for _ in range(480):
        if server.poll() is not None:
            pytest.fail(f"the server ended with code {server.returncode}")
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the server did not answer in four minutes")
