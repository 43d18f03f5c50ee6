"""What lies below the home is its owner's only, whatever the umask."""

import os
import stat
import subprocess

import pytest

from cxrkd import private
from cxrkd.access import tokens
from cxrkd.atomic import replacing
from cxrkd.config import PhantomConfig, RunConfig
from cxrkd.jobs import launch
from cxrkd.jobs.events import append_event
from cxrkd.jobs.queue import resume
from cxrkd.places import home
from cxrkd.runs import create


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """A home that is not there yet, in a process that would give every right to everybody."""
    before = os.umask(0)
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    os.umask(before)


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


def wide(folder):
    """Everything from a folder on that others could read or write."""
    return [path for path in (folder, *folder.rglob("*")) if rights(path) & 0o077]


def test_a_queued_run_and_what_goes_with_it_are_the_owners_only(own_home, monkeypatch):
    start = subprocess.Popen
    monkeypatch.setattr(launch.subprocess, "Popen", lambda *_, **__: start(["true"]))
    run = resume(create(RunConfig(name="x", data=PhantomConfig(n_patients=20))))
    append_event(run.path / "events.jsonl", {"kind": "done"})
    tokens.tokens()
    assert {path.name for path in own_home.rglob("*")} >= {"config.json", "events.jsonl", ".worker.log", "tokens.json"}
    assert wide(own_home) == []


def test_a_file_outside_the_home_keeps_the_rights_of_a_document(own_home, tmp_path):
    with replacing(tmp_path / "figures" / "table.csv") as part:
        part.write_text("x")
    assert (rights(tmp_path / "figures"), rights(tmp_path / "figures" / "table.csv")) == (0o777, 0o644)


def test_an_older_home_is_closed_once_and_then_left_to_its_owner(own_home, caplog):
    (own_home / "runs" / "old").mkdir(parents=True)
    (own_home / "runs" / "old" / "config.json").write_text("{}")
    (own_home / "mine").mkdir()
    private.folder(own_home / "runs")
    assert wide(own_home / "runs") == []
    assert (rights(own_home), rights(own_home / "mine")) == (0o700, 0o777)
    assert "now only by its owner" in caplog.text
    own_home.chmod(0o750)
    private.folder(own_home / "runs")
    assert rights(own_home) == 0o750


def test_a_home_that_cannot_be_closed_is_left_with_a_sentence(own_home, caplog, monkeypatch):
    (own_home / "runs").mkdir(parents=True)

    def refused(path, mode):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(private.Path, "chmod", refused)
    private.folder(own_home / "runs")
    assert "cannot be closed (Read-only file system)" in caplog.text


def test_closing_follows_no_link_out_of_the_home(own_home, tmp_path):
    (own_home / "runs").mkdir(parents=True)
    (tmp_path / "shared").write_text("x")
    (own_home / "runs" / "link").symlink_to(tmp_path / "shared")
    private.close_home()
    assert rights(tmp_path / "shared") == 0o666


def test_what_a_finished_run_leaves_is_the_owners_only(tiny_run):
    assert wide(tiny_run.path) == []
    assert wide(home() / "cache") == []
