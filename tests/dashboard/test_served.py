"""The door as it is served: what `cxrkd app --share` answers to raw requests."""

import http.client
import os
import re
import socket
import sys
from pathlib import Path

import pytest

from tests.serving import free_port, serving

ROOT = Path(__file__).resolve().parents[2]
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: streamlit\r\n"
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The port of a shared server that listens behind a proxy of this machine, and its home."""
    home, port = tmp_path_factory.mktemp("shared"), free_port()
    command = [sys.executable, "-P", "-m", "cxrkd", "app", "--share", "--port", str(port), "--host", "films.clinic.org"]
    command += ["--", "--server.address", "127.0.0.1"]
    env = {**os.environ, "CXRKD_HOME": str(home / "home"), "PYTHONPATH": str(ROOT)}
    with serving(command, port, home, cwd=home, env=env):
        yield port, home


def status(port, head):
    """The status of a request as it is written; None where the connection ends without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(f"{head}\r\n".encode("latin-1"))
        first = line.makefile("rb").readline()
    return int(first.split()[1]) if first else None


def get(port, path, **headers):
    """Status, headers and body of a request."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def test_a_shared_server_opens_to_its_links_only(shared):
    port, home = shared
    host = f"127.0.0.1:{port}"
    for path in ("/", "/distill", "/_stcore/host-config", "/static/js/x.js"):
        assert get(port, path)[0] == 401
    assert get(port, "/_stcore/health")[0] == 200
    for wrong in ("Host: evil.org\r\n", f"Host: {host}\r\nHost: evil.org\r\n", "Host: evil.org@127.0.0.1\r\n", ""):
        assert status(port, f"GET / HTTP/1.1\r\n{wrong}") in (400, 403)
    assert status(port, f"GET http://{host}/ HTTP/1.1\r\nHost: evil.org\r\n") in (400, 403)

    said = (home / "server.log").read_text()
    look, make = (
        re.search(rf"{role} +http://films.clinic.org:{port}/\?token=(\S+)", said)[1] for role in ("look", "make")
    )
    assert look != make
    code, headers, _ = get(port, f"/distill?token={look}")
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert (code, get(port, "/distill", Cookie=cookie)[0]) == (200, 200)

    stream = f"GET /_stcore/stream HTTP/1.1\r\n{UPGRADE}Host: {host}\r\n"
    assert status(port, stream) == 403
    assert status(port, f"{stream}Cookie: {cookie}\r\n") == 101
    assert status(port, f"{stream}Cookie: {cookie}\r\nOrigin: http://{host}\r\n") == 101
    assert status(port, f"{stream}Cookie: {cookie}\r\nOrigin: http://evil.org\r\n") == 403
    foreign = stream.replace(host, "evil.org")
    assert status(port, f"{foreign}Cookie: {cookie}\r\nOrigin: http://evil.org\r\n") == 403
    upload = f"PUT /_stcore/upload_file/a/b HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n"
    assert status(port, upload) == 401
