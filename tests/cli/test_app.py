import os
import socket
import sys
import tomllib

import pytest

from cxrkd.access.tokens import tokens
from cxrkd.cli import app
from cxrkd.places import APP, SITE


@pytest.fixture
def started(monkeypatch):
    """The command that this process would have become."""
    commands = []
    monkeypatch.setattr(
        app.os, "execve", lambda path, command, environment: commands.append((path, command)) or sys.exit(0)
    )
    return commands


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def option(command, name):
    return command[command.index(name) + 1]


def test_it_serves_this_machine_only(cli, started, monkeypatch):
    monkeypatch.setattr(app, "refuse_taken", lambda *_: None)
    assert cli("app").code == 0
    ((path, command),) = started
    assert path == command[0] == sys.executable
    assert str(APP) in command
    assert option(command, "--server.address") == "127.0.0.1"
    assert option(command, "--server.port") == "8501"


def test_options_of_streamlit_come_last_and_so_win(cli, started, monkeypatch):
    monkeypatch.setattr(app, "refuse_taken", lambda *_: None)
    assert cli("app", "--port", 8600, "--", "--server.address", "0.0.0.0", "--server.headless=true").code == 0
    command = started[0][1]
    assert option(command, "--server.port") == "8600"
    assert command[-3:] == ["--server.address", "0.0.0.0", "--server.headless=true"]


def test_a_taken_port_is_one_sentence(cli, started, taken):
    found = cli("app", "--port", taken)
    assert (found.code, found.out, started) == (2, "", [])
    assert found.err.startswith(f"cxrkd: The dashboard cannot listen on port {taken}: address already in use. Expected")
    assert found.err.count("\n") == 1


@pytest.fixture
def _own_environment(monkeypatch, tmp_path):
    """What the command leaves for the server is gone with the test."""
    for name in ("CXRKD_SHARE", "CXRKD_HOSTS", "CXRKD_DATA"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(app, "refuse_taken", lambda *_: None)


@pytest.mark.usefixtures("_own_environment")
def test_it_serves_others_only_when_it_is_told_to(cli, started, tmp_path):
    first = tokens()
    assert cli("app", "--data", tmp_path).code == 0
    assert (os.environ["CXRKD_SHARE"], os.environ["CXRKD_DATA"]) == ("", str(tmp_path.resolve()))
    assert cli("app", "--share", "--host", "a.org", "--host", "b.org", "--", "--server.address", "::1").code == 0
    command = started[1][1]
    assert option(command, "--server.address") == "0.0.0.0"
    assert option(command, "--server.headless") == "true"
    assert command[-2:] == ["--server.address", "::1"]
    assert (os.environ["CXRKD_SHARE"], os.environ["CXRKD_HOSTS"]) == ("1", "a.org,b.org")
    assert tokens() == first
    assert cli("app", "--share", "--new-links").code == 0
    assert tokens() != first


@pytest.mark.usefixtures("_own_environment")
def test_a_folder_of_data_must_be_there(cli, started, tmp_path):
    found = cli("app", "--data", tmp_path / "absent")
    assert (found.code, started) == (2, [])
    assert "--data: expected a folder that is there" in found.err


def test_the_readmes_command_listens_to_this_machine_only():
    assert tomllib.loads((SITE / ".streamlit" / "config.toml").read_text())["server"]["address"] == "127.0.0.1"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8_501", "²"])
def test_no_port_is_wrong_usage(cli, started, port):
    found = cli("app", f"--port={port}")
    assert (found.code, started) == (2, [])
    assert f"expected a port from 1 to 65535, got {port!r}" in found.err
