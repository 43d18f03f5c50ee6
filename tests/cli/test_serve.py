"""The service as a process: started by a command, asked through its port, ended by Ctrl-C."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from cxrkd.access.tokens import tokens_file
from tests.serving import free_port


def asked(address, data=None, token=None):
    """Status and document of one request."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=60) as found:
            return found.status, json.load(found)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def serving(tiny_run):
    """`serve` with some options on a free port, once it answers; and what it had said when it ended."""
    started = []

    def start(*options):
        port = free_port()
        words = ["serve", "--run", str(tiny_run.path), "--engine", "pytorch", "--port", str(port), *options]
        process = subprocess.Popen(
            [sys.executable, "-m", "cxrkd", *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        for _ in range(240):
            assert process.poll() is None, process.stderr.read()
            try:
                if asked(f"http://127.0.0.1:{port}/health")[0] == 200:
                    return process, f"http://127.0.0.1:{port}"
            except OSError:
                time.sleep(0.5)
        pytest.fail("the service did not answer in two minutes")

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_the_service_answers_and_ends_by_ctrl_c_without_a_word_of_films(serving, films):
    process, address = serving()
    data = (films / "grey.png").read_bytes()
    status, answer = asked(f"{address}/classify", data)
    assert (status, list(answer["members"])) == (200, ["teacher", "distilled"])
    assert asked(f"{address}/classify", b"no film")[0] == 415
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == "Stopped.\n"
    assert len(err.splitlines()) == 1, "where it answers, and nothing else"
    assert answer["sha256"][:8] not in err


@pytest.mark.slow
def test_a_service_for_other_machines_asks_for_the_token_that_it_prints(serving, films):
    process, address = serving("--host", "0.0.0.0")
    token = json.loads(tokens_file().read_text())["look"]
    data = (films / "grey.png").read_bytes()
    assert asked(f"{address}/classify", data)[0] == 401
    assert asked(f"{address}/classify", data, token)[0] == 200
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert f"Authorization: Bearer {token}" in err


def test_a_taken_port_is_one_sentence(cli):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        found = cli("serve", "--port", server.getsockname()[1])
    assert (found.code, found.out) == (2, "")
    assert "The service cannot listen on port" in found.err
    assert found.err.count("\n") == 1
